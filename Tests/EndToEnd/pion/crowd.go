package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"sort"
	"sync"
	"time"

	"github.com/pion/webrtc/v3"
)

// crowd is what many viewers saw together.
type crowd struct {
	lock      sync.Mutex
	joined    int
	errors    map[string]int
	deletes   map[int]int
	packets   int
	frames    int
	missing   int
	duplicate int
	// Milliseconds from the first thought of joining.
	connected []int64
	firstKey  []int64
}

// runCrowd has viewers come, stay for a while and leave, a bounded number of them at once.
func runCrowd(options peerOptions, total, atOnce int, perSecond float64, duration time.Duration) error {
	// One key for all: what a crowd costs is to be the gateway's share, not ours.
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return err
	}
	options.certificates = []webrtc.Certificate{*certificate}
	options.quiet = true
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = atOnce

	c := &crowd{errors: map[string]int{}, deletes: map[int]int{}}
	places := make(chan struct{}, atOnce)
	var everybody sync.WaitGroup
	begun := time.Now()
	for number := 0; number < total; number++ {
		places <- struct{}{}
		if perSecond > 0 {
			time.Sleep(time.Until(begun.Add(time.Duration(float64(number) / perSecond * float64(time.Second)))))
		}
		everybody.Add(1)
		go func() {
			defer func() {
				<-places
				everybody.Done()
			}()
			if err := c.join(options, duration); err != nil {
				c.lock.Lock()
				c.errors[err.Error()]++
				c.lock.Unlock()
			}
		}()
	}
	everybody.Wait()
	emit(event{
		"event": "summary", "seconds": time.Since(begun).Seconds(), "joined": c.joined, "errors": c.errors,
		"deletes": c.deletes, "packets": c.packets, "frames": c.frames, "missing": c.missing,
		"duplicates": c.duplicate, "connectedMs": percentiles(c.connected), "firstKeyMs": percentiles(c.firstKey),
	})
	return nil
}

func (c *crowd) join(options peerOptions, duration time.Duration) error {
	begun := time.Now()
	s, err := newSession(options)
	if err != nil {
		return err
	}
	v, err := observe(s, false)
	if err == nil {
		err = s.open()
	}
	if err != nil {
		s.close()
		return err
	}
	connected := time.Since(begun).Milliseconds()
	select {
	case <-time.After(duration):
	case <-s.ended:
	}
	tallies := v.finish()
	status := s.close()

	c.lock.Lock()
	defer c.lock.Unlock()
	c.joined++
	c.deletes[status]++
	c.connected = append(c.connected, connected)
	for _, t := range tallies {
		c.packets += t.Packets
		c.missing += t.Missing
		c.duplicate += t.Duplicates
		if t.FirstKeyMs >= 0 {
			c.frames += t.Frames
			c.firstKey = append(c.firstKey, t.FirstKeyMs)
		}
	}
	return nil
}

func percentiles(values []int64) map[string]int64 {
	if len(values) == 0 {
		return nil
	}
	sort.Slice(values, func(a, b int) bool { return values[a] < values[b] })
	at := func(share float64) int64 { return values[int(share*float64(len(values)-1))] }
	return map[string]int64{"count": int64(len(values)), "p50": at(0.5), "p99": at(0.99), "max": at(1)}
}
