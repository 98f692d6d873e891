package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"
	"github.com/pion/webrtc/v3/pkg/media"
	"github.com/pion/webrtc/v3/pkg/media/h264reader"
	"github.com/pion/webrtc/v3/pkg/media/ivfreader"
	"github.com/pion/webrtc/v3/pkg/media/oggreader"
)

const frameDuration = time.Second / 30

// accessUnit is one frame as it is written to a track: for H.264 several NAL units.
type accessUnit struct {
	parts [][]byte
	key   bool
}

func publish(s *session, video, audio string, answerPLI bool, duration time.Duration) error {
	var wantKey, pliCount, frames int64
	if video != "" {
		capability, units, err := readVideo(video)
		if err != nil {
			return err
		}
		track, err := webrtc.NewTrackLocalStaticSample(capability, "video", "pion")
		if err != nil {
			return err
		}
		transceiver, err := s.connection.AddTransceiverFromTrack(
			track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err != nil {
			return err
		}
		go countKeyFrameRequests(transceiver.Sender(), &pliCount, &wantKey)
		go func() {
			<-s.connected
			writeVideo(track, units, answerPLI, &wantKey, &frames)
		}()
	}
	if audio != "" {
		pages, err := readAudio(audio)
		if err != nil {
			return err
		}
		track, err := webrtc.NewTrackLocalStaticSample(
			webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "audio", "pion")
		if err != nil {
			return err
		}
		if _, err := s.connection.AddTransceiverFromTrack(
			track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
			return err
		}
		go func() {
			<-s.connected
			writeAudio(track, pages)
		}()
	}
	if err := s.open(); err != nil {
		return err
	}
	if s.lies {
		go tellLies(s)
	}
	reason := until(s, duration)
	status := s.close()
	emit(event{
		"event": "summary", "reason": reason, "frames": atomic.LoadInt64(&frames),
		"pli": atomic.LoadInt64(&pliCount), "delete": status,
	})
	return nil
}

func countKeyFrameRequests(sender *webrtc.RTPSender, count, wantKey *int64) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			switch packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				atomic.AddInt64(count, 1)
				atomic.StoreInt64(wantKey, 1)
				emit(event{"event": "pli", "at": milliseconds()})
			}
		}
	}
}

func writeVideo(track *webrtc.TrackLocalStaticSample, units []accessUnit, answerPLI bool, wantKey, frames *int64) {
	next := time.Now()
	for index := 0; ; index = (index + 1) % len(units) {
		if answerPLI && atomic.SwapInt64(wantKey, 0) == 1 {
			for !units[index].key {
				index = (index + 1) % len(units)
			}
		}
		parts := units[index].parts
		for number, part := range parts {
			sample := media.Sample{Data: part}
			if number == len(parts)-1 {
				sample.Duration = frameDuration
			}
			if track.WriteSample(sample) != nil {
				return
			}
		}
		atomic.AddInt64(frames, 1)
		next = next.Add(frameDuration)
		time.Sleep(time.Until(next))
	}
}

func writeAudio(track *webrtc.TrackLocalStaticSample, pages [][]byte) {
	const pageDuration = 20 * time.Millisecond
	next := time.Now()
	for index := 0; ; index = (index + 1) % len(pages) {
		if track.WriteSample(media.Sample{Data: pages[index], Duration: pageDuration}) != nil {
			return
		}
		next = next.Add(pageDuration)
		time.Sleep(time.Until(next))
	}
}

func readVideo(path string) (webrtc.RTPCodecCapability, []accessUnit, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return webrtc.RTPCodecCapability{}, nil, err
	}
	if strings.HasSuffix(path, ".ivf") {
		units, err := readIVF(content)
		return webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, units, err
	}
	units, err := readAnnexB(content)
	return webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeH264, ClockRate: 90000,
		SDPFmtpLine: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
	}, units, err
}

// readAnnexB groups NAL units into access units: each ends with its (only) slice.
func readAnnexB(content []byte) ([]accessUnit, error) {
	reader, err := h264reader.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	var units []accessUnit
	var current accessUnit
	for {
		nal, err := reader.NextNAL()
		if errors.Is(err, io.EOF) {
			return units, nil
		}
		if err != nil {
			return nil, err
		}
		isSlice := nal.UnitType == h264reader.NalUnitTypeCodedSliceNonIdr ||
			nal.UnitType == h264reader.NalUnitTypeCodedSliceIdr
		current.parts = append(current.parts, nal.Data)
		current.key = current.key || nal.UnitType == h264reader.NalUnitTypeCodedSliceIdr
		if isSlice {
			units = append(units, current)
			current = accessUnit{}
		}
	}
}

func readIVF(content []byte) ([]accessUnit, error) {
	reader, _, err := ivfreader.NewWith(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	var units []accessUnit
	for {
		frame, _, err := reader.ParseNextFrame()
		if errors.Is(err, io.EOF) {
			return units, nil
		}
		if err != nil {
			return nil, err
		}
		// RFC 6386, 9.1: the lowest bit of the frame tag is 0 in a key frame.
		units = append(units, accessUnit{parts: [][]byte{frame}, key: len(frame) > 0 && frame[0]&1 == 0})
	}
}

func readAudio(path string) ([][]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader, _, err := oggreader.NewWith(file)
	if err != nil {
		return nil, err
	}
	var pages [][]byte
	for {
		page, _, err := reader.ParseNextPage()
		if errors.Is(err, io.EOF) {
			return pages, nil
		}
		if err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(page, []byte("OpusTags")) {
			pages = append(pages, page)
		}
	}
}
