// RTMP
