#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "image_codecs.h"

// Scans of a picture that are always read. Usual progressive files have about ten.
static const int USUAL_SCANS = 50;
// Blocks that all scans of a picture may visit beyond that.
static const double MOST_BLOCK_VISITS = 1e8;
// Pictures of fewer pixels are read whatever the length of their file.
static const double JUDGED_PIXELS = 1 << 22;

typedef struct Decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf failure;
    char *message;
} Decoder;

static void fail(j_common_ptr jpeg) {
    Decoder *decoder = jpeg->client_data;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    snprintf(decoder->message, IC_MESSAGE_LENGTH, "%s", text);
    longjmp(decoder->failure, 1);
}

static void pass_over(j_common_ptr jpeg) { (void)jpeg; }

static void pass_over_warning(j_common_ptr jpeg, int level) {
    (void)jpeg;
    (void)level;
}

static void do_nothing(j_decompress_ptr jpeg) { (void)jpeg; }

// At the end of the bytes the library stops as if more were to come, so that nothing is made up.
static boolean want_more(j_decompress_ptr jpeg) {
    (void)jpeg;
    return FALSE;
}

static void skip(j_decompress_ptr jpeg, long count) {
    if (count <= 0) return;
    size_t skipped = (size_t)count;
    if (skipped > jpeg->src->bytes_in_buffer) skipped = jpeg->src->bytes_in_buffer;
    jpeg->src->next_input_byte += skipped;
    jpeg->src->bytes_in_buffer -= skipped;
}

static double block_count(j_decompress_ptr jpeg) {
    double blocks = 0;
    for (int i = 0; i < jpeg->num_components; ++i) {
        jpeg_component_info *component = &jpeg->comp_info[i];
        blocks += (double)component->width_in_blocks * component->height_in_blocks;
    }
    return blocks;
}

static void limit_scans(j_common_ptr common) {
    j_decompress_ptr jpeg = (j_decompress_ptr)common;
    Decoder *decoder = common->client_data;
    int scans = jpeg->input_scan_number;
    if (scans <= USUAL_SCANS || scans * block_count(jpeg) <= MOST_BLOCK_VISITS) return;
    snprintf(
        decoder->message, IC_MESSAGE_LENGTH, "it has more than %d scans, which only an attack has",
        scans - 1);
    longjmp(decoder->failure, 1);
}

// Makes a decoder; what fails from here on comes back where `failure` was set.
static void open_decoder(Decoder *decoder, const uint8_t *bytes, size_t count) {
    decoder->jpeg.err = jpeg_std_error(&decoder->errors);
    decoder->jpeg.client_data = decoder;
    decoder->errors.error_exit = fail;
    decoder->errors.output_message = pass_over;
    decoder->errors.emit_message = pass_over_warning;
    jpeg_create_decompress(&decoder->jpeg);
    decoder->source.init_source = do_nothing;
    decoder->source.fill_input_buffer = want_more;
    decoder->source.skip_input_data = skip;
    decoder->source.resync_to_restart = jpeg_resync_to_restart;
    decoder->source.term_source = do_nothing;
    decoder->source.next_input_byte = bytes;
    decoder->source.bytes_in_buffer = count;
    decoder->jpeg.src = &decoder->source;
    decoder->progress.progress_monitor = limit_scans;
    decoder->jpeg.progress = &decoder->progress;
}

// Reads up to the first scan. False where the bytes end before it.
static bool read_header(Decoder *decoder) {
    int status;
    // A file may begin with a stream of tables alone.
    do status = jpeg_read_header(&decoder->jpeg, FALSE);
    while (status == JPEG_HEADER_TABLES_ONLY);
    if (status != JPEG_HEADER_OK) {
        snprintf(decoder->message, IC_MESSAGE_LENGTH, "the file ends in its header");
        return false;
    }
    int components = decoder->jpeg.num_components;
    if (components != 1 && components != 3 && components != 4) {
        snprintf(
            decoder->message, IC_MESSAGE_LENGTH, "it has %d colour components, not 1, 3 or 4",
            components);
        return false;
    }
    return true;
}

static bool has_enough_data(Decoder *decoder) {
    j_decompress_ptr jpeg = &decoder->jpeg;
    if ((double)jpeg->image_width * jpeg->image_height < JUDGED_PIXELS) return true;
    // Arithmetic coding has no least number of bits. Otherwise each block takes a bit for the
    // difference of its mean, and outside progressive files one for its end.
    if (jpeg->arith_code) return true;
    double bits = block_count(jpeg) * (jpeg->progressive_mode ? 1 : 2);
    if ((double)jpeg->src->bytes_in_buffer * 8 >= bits) return true;
    snprintf(
        decoder->message, IC_MESSAGE_LENGTH,
        "%zu bytes cannot hold the %u x %u pixels that its header states",
        jpeg->src->bytes_in_buffer, jpeg->image_width, jpeg->image_height);
    return false;
}

ICStatus ic_jpeg_header(const uint8_t *bytes, size_t count, ICHeader *header, char *message) {
    Decoder decoder = {.message = message};
    volatile ICStatus status = ICRefused;
    if (!setjmp(decoder.failure)) {
        open_decoder(&decoder, bytes, count);
        if (read_header(&decoder)) {
            header->width = (int)decoder.jpeg.image_width;
            header->height = (int)decoder.jpeg.image_height;
            header->hasEnoughData = has_enough_data(&decoder);
            status = ICComplete;
        }
    }
    jpeg_destroy_decompress(&decoder.jpeg);
    return status;
}

// A row of inverted inks, which is what files of four components hold, whether or not they say so.
static void convert_inks(const uint8_t *inks, uint8_t *rgb, unsigned width) {
    for (unsigned x = 0; x < width; ++x) {
        int light = inks[4 * x + 3];
        for (int channel = 0; channel < 3; ++channel) {
            // x·y / 255, rounded, in integers.
            int product = (255 - inks[4 * x + channel]) * light + 128;
            int shade = light - ((product + (product >> 8)) >> 8);
            rgb[3 * x + channel] = (uint8_t)(shade < 0 ? 0 : shade);
        }
    }
}

static ICStatus decode(Decoder *decoder, int eighths, uint8_t *pixels) {
    j_decompress_ptr jpeg = &decoder->jpeg;
    jpeg->scale_num = (unsigned)eighths;
    jpeg->scale_denom = 8;
    bool has_inks = jpeg->num_components == 4;
    jpeg->out_color_space = has_inks ? JCS_CMYK : JCS_RGB;
    jpeg_calc_output_dimensions(jpeg);
    size_t stride = (size_t)jpeg->output_width * 3;
    memset(pixels, has_inks ? 255 : 0, stride * jpeg->output_height);
    // The library would make room for all blocks before it sees that they are missing.
    if (jpeg_has_multiple_scans(jpeg) && !has_enough_data(decoder)) return ICDamaged;
    if (!jpeg_start_decompress(jpeg)) {
        snprintf(decoder->message, IC_MESSAGE_LENGTH, "the file ends before its last scan does");
        return ICDamaged;
    }
    JSAMPARRAY inks = NULL;
    if (has_inks) {
        inks = jpeg->mem->alloc_sarray(
            (j_common_ptr)jpeg, JPOOL_IMAGE, jpeg->output_width * 4, 1);
    }
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *row = pixels + stride * jpeg->output_scanline;
        if (jpeg_read_scanlines(jpeg, has_inks ? inks : &row, 1) != 1) {
            snprintf(
                decoder->message, IC_MESSAGE_LENGTH, "the file ends after %u of %u rows",
                jpeg->output_scanline, jpeg->output_height);
            return ICDamaged;
        }
        if (has_inks) convert_inks(inks[0], row, jpeg->output_width);
    }
    // All rows are there, so that a missing end mark does not matter; broken marks do.
    jpeg_finish_decompress(jpeg);
    return ICComplete;
}

ICStatus ic_jpeg_decode(
    const uint8_t *bytes, size_t count, int eighths, uint8_t *pixels, char *message) {
    Decoder decoder = {.message = message};
    volatile ICStatus status = ICRefused;
    if (!setjmp(decoder.failure)) {
        open_decoder(&decoder, bytes, count);
        if (read_header(&decoder)) {
            status = ICDamaged;  // what it is where a call below fails
            status = decode(&decoder, eighths, pixels);
        }
    }
    jpeg_destroy_decompress(&decoder.jpeg);
    return status;
}
