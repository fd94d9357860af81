#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_codecs.h"

typedef struct Source {
    const uint8_t *bytes;
    size_t count;
    size_t position;
} Source;

static void read_bytes(png_structp png, png_bytep target, size_t count) {
    Source *source = png_get_io_ptr(png);
    if (count > source->count - source->position) png_error(png, "premature end of PNG file");
    memcpy(target, source->bytes + source->position, count);
    source->position += count;
}

static void on_error(png_structp png, png_const_charp text) {
    snprintf(png_get_error_ptr(png), IC_MESSAGE_LENGTH, "%s", text);
    longjmp(png_jmpbuf(png), 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

int ic_png_size(const uint8_t *bytes, size_t count, int *width, int *height, char *message) {
    if (count < 24 || png_sig_cmp(bytes, 0, 8) != 0 || memcmp(bytes + 12, "IHDR", 4) != 0) {
        snprintf(message, IC_MESSAGE_LENGTH, "no PNG header");
        return -1;
    }
    png_uint_32 w = png_get_uint_32(bytes + 16), h = png_get_uint_32(bytes + 20);
    if (w > PNG_UINT_31_MAX || h > PNG_UINT_31_MAX) {
        snprintf(message, IC_MESSAGE_LENGTH, "the header states %u x %u pixels", w, h);
        return -1;
    }
    *width = (int)w;
    *height = (int)h;
    return 0;
}

int ic_png_decode(const uint8_t *bytes, size_t count, ICImage *image, char *message) {
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    png_bytep *volatile rows = NULL;
    image->pixels = NULL;
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        snprintf(message, IC_MESSAGE_LENGTH, "no memory");
        return -1;
    }
    if (setjmp(png_jmpbuf(png))) {
        free(rows);
        free(image->pixels);
        image->pixels = NULL;
        png_destroy_read_struct(&png, &info, NULL);
        return -1;
    }
    Source source = {bytes, count, 0};
    png_set_read_fn(png, &source, read_bytes);
    png_read_info(png, info);
    int depth = png_get_bit_depth(png, info);
    int color = png_get_color_type(png, info);
    image->width = (int)png_get_image_width(png, info);
    image->height = (int)png_get_image_height(png, info);
    image->format = depth == 16 && color == PNG_COLOR_TYPE_GRAY ? ICFormatGray16 : ICFormatRGB;
    if (image->format == ICFormatGray16) {
        png_set_swap(png);
    } else {
        png_set_expand(png);
        png_set_strip_16(png);
        png_set_strip_alpha(png);
        png_set_gray_to_rgb(png);
    }
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t stride = png_get_rowbytes(png, info);
    image->pixels = malloc(stride * (size_t)image->height);
    rows = malloc(sizeof(png_bytep) * (size_t)image->height);
    if (!image->pixels || !rows) png_error(png, "no memory for the pixels");
    for (int y = 0; y < image->height; ++y) rows[y] = image->pixels + stride * (size_t)y;
    png_read_image(png, rows);
    png_read_end(png, NULL);
    free(rows);
    png_destroy_read_struct(&png, &info, NULL);
    return 0;
}

typedef struct Sink {
    uint8_t *bytes;
    size_t count;
    size_t capacity;
} Sink;

static void write_bytes(png_structp png, png_bytep data, size_t count) {
    Sink *sink = png_get_io_ptr(png);
    if (sink->count + count > sink->capacity) {
        size_t capacity = 2 * (sink->count + count);
        uint8_t *bytes = realloc(sink->bytes, capacity);
        if (!bytes) png_error(png, "no memory");
        sink->bytes = bytes;
        sink->capacity = capacity;
    }
    memcpy(sink->bytes + sink->count, data, count);
    sink->count += count;
}

static void flush_bytes(png_structp png) { (void)png; }

int ic_png_encode(
    const uint8_t *pixels, int width, int height, uint8_t **out, size_t *outCount, char *message) {
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    Sink *sink = calloc(1, sizeof(Sink));
    if (!info || !sink) {
        png_destroy_write_struct(&png, &info);
        free(sink);
        snprintf(message, IC_MESSAGE_LENGTH, "no memory");
        return -1;
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        free(sink->bytes);
        free(sink);
        return -1;
    }
    png_set_write_fn(png, sink, write_bytes, flush_bytes);
    png_set_IHDR(
        png, info, (png_uint_32)width, (png_uint_32)height, 8, PNG_COLOR_TYPE_RGB,
        PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < height; ++y) png_write_row(png, pixels + (size_t)y * width * 3);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    *out = sink->bytes;
    *outCount = sink->count;
    free(sink);
    return 0;
}
