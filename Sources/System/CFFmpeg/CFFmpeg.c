#include "CFFmpeg.h"

#include <errno.h>
#include <libavutil/error.h>
#include <libavutil/log.h>

int martlet_averror_try_again(void) {
    return AVERROR(EAGAIN);
}

int martlet_averror_end(void) {
    return AVERROR_EOF;
}

int64_t martlet_av_no_timestamp(void) {
    return AV_NOPTS_VALUE;
}

void martlet_av_silence(void) {
    av_log_set_level(AV_LOG_QUIET);
}
