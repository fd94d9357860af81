#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include "image_codecs.h"

void ic_free(void *memory) { free(memory); }

typedef struct Encoder {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf failure;
    char *message;
    unsigned char *buffer;
    unsigned long size;
} Encoder;

static void fail(j_common_ptr jpeg) {
    Encoder *encoder = jpeg->client_data;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    snprintf(encoder->message, IC_MESSAGE_LENGTH, "%s", text);
    longjmp(encoder->failure, 1);
}

int ic_jpeg_encode(
    const uint8_t *pixels, int width, int height, int quality, uint8_t **out, size_t *outCount,
    char *message) {
    Encoder encoder = {.message = message};
    j_compress_ptr jpeg = &encoder.jpeg;
    if (setjmp(encoder.failure)) {
        jpeg_destroy_compress(jpeg);
        free(encoder.buffer);
        return -1;
    }
    jpeg->err = jpeg_std_error(&encoder.errors);
    jpeg->client_data = &encoder;
    encoder.errors.error_exit = fail;
    jpeg_create_compress(jpeg);
    jpeg_mem_dest(jpeg, &encoder.buffer, &encoder.size);
    jpeg->image_width = (JDIMENSION)width;
    jpeg->image_height = (JDIMENSION)height;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, quality, TRUE);
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW row = (JSAMPROW)pixels + (size_t)jpeg->next_scanline * (size_t)width * 3;
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    jpeg_destroy_compress(jpeg);
    *out = encoder.buffer;
    *outCount = encoder.size;
    return 0;
}
