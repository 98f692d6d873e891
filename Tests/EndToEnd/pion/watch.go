package main

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
)

// tally is what a viewer saw of one track.
type tally struct {
	Codec          string  `json:"codec"`
	SSRC           uint32  `json:"ssrc"`
	Packets        int     `json:"packets"`
	Bytes          int     `json:"bytes"`
	Frames         int     `json:"frames"`
	KeyFrames      int     `json:"keyFrames"`
	Missing        int     `json:"missing"`
	Duplicates     int     `json:"duplicates"`
	Reordered      int     `json:"reordered"`
	BackwardsTime  int     `json:"backwardsTime"`
	FirstPacketMs  int64   `json:"firstPacketMs"`
	FirstKeyMs     int64   `json:"firstKeyMs"`
	LongestGapMs   int64   `json:"longestGapMs"`
	TimestampRate  float64 `json:"timestampRate"`
	SenderReports  int     `json:"senderReports"`
	lastAt         time.Time
	firstAt        time.Time
	firstTimestamp uint32
	lastTimestamp  uint32
	numbers        map[uint16]bool
	lowest         int64
	highest        int64
}

// view is what a viewer has seen so far, by kind of media.
type view struct {
	lock    sync.Mutex
	tallies map[string]*tally
}

func watch(s *session, pli bool, duration time.Duration) error {
	v, err := observe(s, pli)
	if err != nil {
		return err
	}
	if err := s.open(); err != nil {
		return err
	}
	if s.lies {
		go tellLies(s)
	}
	reason := until(s, duration)
	summary := event{"event": "summary", "reason": reason, "tracks": v.finish()}
	summary["delete"] = s.close()
	emit(summary)
	return nil
}

// observe asks for both kinds of media, and counts what comes once the session is open.
func observe(s *session, pli bool) (*view, error) {
	begun := time.Now()
	v := &view{tallies: map[string]*tally{}}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		if _, err := s.connection.AddTransceiverFromKind(
			kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			return nil, err
		}
	}
	s.connection.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		t := &tally{
			Codec: track.Codec().MimeType, SSRC: uint32(track.SSRC()), numbers: map[uint16]bool{},
			FirstKeyMs: -1, FirstPacketMs: -1,
		}
		v.lock.Lock()
		v.tallies[track.Kind().String()] = t
		v.lock.Unlock()
		s.emit(event{"event": "track", "kind": track.Kind().String(), "codec": t.Codec, "at": milliseconds()})
		if pli && track.Kind() == webrtc.RTPCodecTypeVideo {
			_ = s.connection.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: t.SSRC}})
		}
		go func() {
			for {
				packets, _, err := receiver.ReadRTCP()
				if err != nil {
					return
				}
				v.lock.Lock()
				for _, packet := range packets {
					if _, ok := packet.(*rtcp.SenderReport); ok {
						t.SenderReports++
					}
				}
				v.lock.Unlock()
			}
		}()
		for {
			packet, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			v.lock.Lock()
			t.count(packet, time.Now(), begun)
			v.lock.Unlock()
		}
	})
	return v, nil
}

// finish ends the counting and returns copies of the tallies.
func (v *view) finish() map[string]tally {
	v.lock.Lock()
	defer v.lock.Unlock()
	finished := map[string]tally{}
	for kind, t := range v.tallies {
		t.finish()
		finished[kind] = *t
	}
	return finished
}

func (t *tally) count(packet *rtp.Packet, now, begun time.Time) {
	if t.Packets == 0 {
		t.FirstPacketMs = now.Sub(begun).Milliseconds()
		t.firstAt, t.firstTimestamp = now, packet.Timestamp
		t.lowest, t.highest = int64(packet.SequenceNumber), int64(packet.SequenceNumber)
		t.Frames = 1
	} else {
		if gap := now.Sub(t.lastAt).Milliseconds(); gap > t.LongestGapMs {
			t.LongestGapMs = gap
		}
		// The extended sequence number nearest to the newest.
		extended := t.highest + int64(int16(packet.SequenceNumber-uint16(t.highest)))
		if extended < t.lowest {
			t.lowest = extended
		}
		if extended < t.highest {
			t.Reordered++
		}
		if extended > t.highest {
			t.highest = extended
			// Half a round behind nothing is expected any more, and the number comes again in the next round.
			delete(t.numbers, packet.SequenceNumber+1<<15)
			if packet.Timestamp != t.lastTimestamp {
				t.Frames++
				if int32(packet.Timestamp-t.lastTimestamp) < 0 {
					t.BackwardsTime++
				}
			}
		}
	}
	if t.numbers[packet.SequenceNumber] {
		t.Duplicates++
	}
	t.numbers[packet.SequenceNumber] = true
	t.Packets++
	t.Bytes += len(packet.Payload)
	if startsKeyFrame(t.Codec, packet.Payload) {
		t.KeyFrames++
		if t.FirstKeyMs < 0 {
			t.FirstKeyMs = now.Sub(begun).Milliseconds()
		}
	}
	t.lastAt, t.lastTimestamp = now, packet.Timestamp
}

func (t *tally) finish() {
	t.Missing = int(t.highest-t.lowest+1) - (t.Packets - t.Duplicates)
	if seconds := t.lastAt.Sub(t.firstAt).Seconds(); seconds > 0 {
		t.TimestampRate = float64(int32(t.lastTimestamp-t.firstTimestamp)) / seconds
	}
}

// startsKeyFrame looks at the first bytes of a payload of H.264 (RFC 6184) or VP8 (RFC 7741).
func startsKeyFrame(codec string, payload []byte) bool {
	switch {
	case codec == webrtc.MimeTypeH264 && len(payload) > 1:
		switch payload[0] & 0x1F {
		case 5:
			return true
		case 24:
			for offset := 1; offset+2 < len(payload); {
				size := int(payload[offset])<<8 | int(payload[offset+1])
				if payload[offset+2]&0x1F == 5 {
					return true
				}
				offset += 2 + size
			}
		case 28:
			return payload[1]&0x80 != 0 && payload[1]&0x1F == 5
		}
	case codec == webrtc.MimeTypeVP8 && len(payload) > 0:
		var parsed rtpVP8
		return parsed.startsKeyFrame(payload)
	}
	return false
}
