#pragma once
#include <opus/opus.h>

// opus_encoder_ctl is variadic, which Swift does not import. Each returns OPUS_OK or an error code.

int martlet_opus_set_bitrate(OpusEncoder *encoder, opus_int32 bits_per_second);
int martlet_opus_set_inband_fec(OpusEncoder *encoder, int enabled);
int martlet_opus_set_packet_loss_percentage(OpusEncoder *encoder, opus_int32 percentage);
int martlet_opus_set_complexity(OpusEncoder *encoder, opus_int32 complexity);
/// Samples by which the decoded signal lags behind the one that was encoded.
int martlet_opus_get_lookahead(OpusEncoder *encoder, opus_int32 *samples);
