package main

import (
	"bytes"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// A peer that has been let in is not to be believed: what it encrypts may still contradict itself.

type liarFactory struct{}

func (liarFactory) NewInterceptor(string) (interceptor.Interceptor, error) { return &liar{}, nil }

// liar puts a packet that is none before every tenth of a stream.
type liar struct{ interceptor.NoOp }

func (*liar) BindLocalStream(_ *interceptor.StreamInfo, writer interceptor.RTPWriter) interceptor.RTPWriter {
	var packets, told int
	return interceptor.RTPWriterFunc(
		func(header *rtp.Header, payload []byte, attributes interceptor.Attributes) (int, error) {
			packets++
			if packets%10 == 0 {
				lie := rtpLies[told%len(rtpLies)]
				lying := *header
				lying.SequenceNumber += uint16(told)
				lying.Padding = lie.padding
				if _, err := writer.Write(&lying, lie.payload, attributes); err != nil {
					return 0, err
				}
				told++
			}
			// The numbers of what is true follow on, or the gateway would take it for a replay.
			honest := *header
			honest.SequenceNumber += uint16(told)
			return writer.Write(&honest, payload, attributes)
		})
}

var rtpLies = []struct {
	padding bool
	payload []byte
}{
	// More padding than packet, none at all, and nothing but padding (RFC 3550, 5.1).
	{true, []byte{0x41, 1, 2, 255}},
	{true, []byte{0x41, 1, 2, 0}},
	{true, []byte{0x41, 1, 2, 4}},
	{true, nil},
	{false, nil},
	// RFC 6184: fragments without a header, aggregates whose lengths lead out of the packet or are zero.
	{false, []byte{28}},
	{false, []byte{28, 0x85}},
	{false, []byte{24, 0xff, 0xff, 0x65}},
	{false, []byte{24, 0, 0, 0, 0, 0}},
	{false, []byte{24, 0}},
	// Parameter sets of nothing, and of only ones: numbers without an end.
	{false, []byte{0x67}},
	{false, append([]byte{0x67}, bytes.Repeat([]byte{0xff}, 900)...)},
	{false, append([]byte{0x67, 66, 0xc0, 31}, bytes.Repeat([]byte{0}, 900)...)},
}

// RTCP that begins as it should.
var rtcpLies = []rtcp.RawPacket{
	// Report blocks, chunks and entries that are promised and missing.
	{0x80 | 31, 200, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	{0x80 | 31, 201, 0, 1, 0, 0, 0, 1},
	{0x80 | 31, 202, 0, 1, 0, 0, 0, 1},
	// Lengths beyond the datagram.
	{0x80, 201, 0xff, 0xff, 0, 0, 0, 1},
	{0x80 | 1, 205, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 2},
	// Padding of more than the packet.
	{0x80 | 0x20, 201, 0, 1, 0, 0, 0, 255},
	// Feedback about the arrival of packets that were never sent, all of them at once.
	{
		0x80 | 15, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0x1f, 0xff, 0x5f,
		0xff,
	},
	// Lists of lost packets: the whole space of numbers, and of a stream that nobody has.
	append(
		rtcp.RawPacket{0x80 | 1, 205, 0, 102, 0, 0, 0, 1, 0xde, 0xad, 0xbe, 0xef},
		bytes.Repeat([]byte{0, 0, 0xff, 0xff}, 100)...),
	// A bitrate of 2^81.
	{0x80 | 15, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 255, 0xff, 0xff, 0xff},
	// Types that do not exist.
	{0x80, 255, 0, 1, 0, 0, 0, 1},
	{0x80, 192, 0, 1, 0, 0, 0, 1},
}

func tellLies(s *session) {
	for told := 0; ; told++ {
		select {
		case <-s.ended:
			return
		case <-time.After(20 * time.Millisecond):
			lie := rtcpLies[told%len(rtcpLies)]
			_ = s.connection.WriteRTCP([]rtcp.Packet{&lie})
		}
	}
}
