// A WHIP publisher and a WHEP viewer on Pion, a WebRTC stack that shares no code with browsers, GStreamer or us.
//
//	pion publish -url http://127.0.0.1:8080/whip/cam -video film.h264 -audio film.ogg
//	pion watch   -url http://127.0.0.1:8080/whep/cam -seconds 5
//	pion crowd   -url http://127.0.0.1:8080/whep/cam -seconds 0.2 -total 1000 -at-once 16
//
// Each event is one JSON object on a line of standard output; the last one is the summary.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pion/ice/v2"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v3"
)

// How long a connection may take to come about.
const connectLimit = 15 * time.Second

// The beginning of a fingerprint line, up to the first byte of the hash.
var fingerprint = regexp.MustCompile("a=fingerprint:sha-256 [0-9A-Fa-f]{2}")

type event map[string]interface{}

var outputLock sync.Mutex

func emit(e event) {
	outputLock.Lock()
	defer outputLock.Unlock()
	line, err := json.Marshal(e)
	if err == nil {
		fmt.Println(string(line))
	}
}

func fail(err error) {
	if err != nil {
		emit(event{"event": "error", "message": err.Error()})
		os.Exit(1)
	}
}

// peerOptions is what one peer is like.
type peerOptions struct {
	endpoint string
	token    string
	// Certificates to use instead of one of its own.
	certificates []webrtc.Certificate
	// One of a crowd does not report for itself.
	quiet bool
	// Its offer names a certificate that it does not have.
	wrongFingerprint bool
	// Among its media are packets that are none.
	lies bool
}

// session is one peer connection and the resource behind it.
type session struct {
	peerOptions
	connection *webrtc.PeerConnection
	resource   string
	connected  chan struct{}
	ended      chan struct{}
}

func newSession(options peerOptions) (*session, error) {
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	registry := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(media, registry); err != nil {
		return nil, err
	}
	if options.lies {
		registry.Add(liarFactory{})
	}
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	api := webrtc.NewAPI(
		webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(settings))
	connection, err := api.NewPeerConnection(webrtc.Configuration{Certificates: options.certificates})
	if err != nil {
		return nil, err
	}
	s := &session{
		peerOptions: options, connection: connection,
		connected: make(chan struct{}), ended: make(chan struct{}),
	}
	var connectedOnce, endedOnce sync.Once
	connection.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		s.emit(event{"event": "state", "state": state.String(), "at": milliseconds()})
		switch state {
		case webrtc.PeerConnectionStateConnected:
			connectedOnce.Do(func() { close(s.connected) })
		case webrtc.PeerConnectionStateDisconnected, webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			// This Pion does not notice the end of DTLS; it notices that its checks stay unanswered.
			endedOnce.Do(func() { close(s.ended) })
		}
	})
	return s, nil
}

func (s *session) emit(e event) {
	if !s.quiet {
		emit(e)
	}
}

// open offers, with all candidates in the offer, and waits until media can flow.
func (s *session) open() error {
	offer, err := s.connection.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(s.connection)
	if err := s.connection.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered
	description := s.connection.LocalDescription().SDP
	if s.wrongFingerprint {
		description = fingerprint.ReplaceAllString(description, "a=fingerprint:sha-256 AB")
	}
	response, err := s.request(http.MethodPost, s.endpoint, description)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	s.emit(event{"event": "answer", "status": response.StatusCode, "at": milliseconds()})
	if response.StatusCode != http.StatusCreated {
		return fmt.Errorf("%d %s", response.StatusCode, body)
	}
	base, err := url.Parse(s.endpoint)
	if err != nil {
		return err
	}
	resource, err := base.Parse(response.Header.Get("Location"))
	if err != nil {
		return err
	}
	s.resource = resource.String()
	answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(body)}
	if err := s.connection.SetRemoteDescription(answer); err != nil {
		return err
	}
	select {
	case <-s.connected:
		return nil
	case <-time.After(connectLimit):
		return fmt.Errorf("not connected after %s", connectLimit)
	}
}

func (s *session) request(method, address, body string) (*http.Response, error) {
	request, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/sdp")
	if s.token != "" {
		request.Header.Set("Authorization", "Bearer "+s.token)
	}
	return http.DefaultClient.Do(request)
}

// close ends the session on both sides and returns the status of the DELETE.
func (s *session) close() int {
	status := 0
	if s.resource != "" {
		if response, err := s.request(http.MethodDelete, s.resource, ""); err == nil {
			response.Body.Close()
			status = response.StatusCode
		}
	}
	s.connection.Close()
	return status
}

func milliseconds() int64 { return time.Now().UnixNano() / int64(time.Millisecond) }

// until waits for the time to be over, a signal to stop, or the end of the session.
func until(s *session, duration time.Duration) string {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	var over <-chan time.Time
	if duration > 0 {
		over = time.After(duration)
	}
	select {
	case <-over:
		return "time"
	case <-signals:
		return "signal"
	case <-s.ended:
		return "ended"
	}
}

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: pion publish|watch|crowd -url URL ..."))
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	endpoint := flags.String("url", "", "WHIP or WHEP endpoint")
	token := flags.String("token", "", "bearer token")
	seconds := flags.Float64("seconds", 0, "how long to publish or watch; 0 is until a signal")
	video := flags.String("video", "", "H.264 in Annex B (.h264) or VP8 in IVF (.ivf), repeated without end")
	audio := flags.String("audio", "", "Opus in Ogg, repeated without end")
	answerPLI := flags.Bool("answer-pli", false, "go to the next key frame of the file when asked for one")
	pli := flags.Bool("pli", false, "ask for a key frame when the video track appears")
	wrongFingerprint := flags.Bool("wrong-fingerprint", false, "offer a certificate that is not the one in use")
	lies := flags.Bool("lies", false, "send RTP and RTCP that contradict themselves among the media")
	total := flags.Int("total", 1, "crowd: how many viewers come in all")
	atOnce := flags.Int("at-once", 1, "crowd: how many are there at the same time")
	perSecond := flags.Float64("per-second", 0, "crowd: how many come each second; 0 is as fast as they can")
	fail(flags.Parse(os.Args[2:]))
	duration := time.Duration(*seconds * float64(time.Second))

	options := peerOptions{endpoint: *endpoint, token: *token, wrongFingerprint: *wrongFingerprint, lies: *lies}
	if os.Args[1] == "crowd" {
		fail(runCrowd(options, *total, *atOnce, *perSecond, duration))
		return
	}
	s, err := newSession(options)
	fail(err)
	switch os.Args[1] {
	case "publish":
		fail(publish(s, *video, *audio, *answerPLI, duration))
	case "watch":
		fail(watch(s, *pli, duration))
	default:
		fail(fmt.Errorf("unknown command %s", os.Args[1]))
	}
}
