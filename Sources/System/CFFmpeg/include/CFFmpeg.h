#pragma once
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/frame.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>

// Macros that Swift does not import.

/// AVERROR(EAGAIN): the codec wants more input, or its output to be taken first.
int martlet_averror_try_again(void);
/// AVERROR_EOF: there is nothing more to read.
int martlet_averror_end(void);
/// AV_NOPTS_VALUE.
int64_t martlet_av_no_timestamp(void);
/// Keeps libav* from writing to standard error, which belongs to our log.
void martlet_av_silence(void);
