#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_codecs.h"

// Pictures of fewer pixels are read whatever the length of their file.
static const double JUDGED_PIXELS = 1 << 22;
// The most that deflate makes of a byte.
static const double MOST_EXPANSION = 1032;

typedef struct Source {
    const uint8_t *bytes;
    size_t count;
    size_t position;
    // Where the last chunk of image data states more bytes than there are, and those there are. libpng
    // reads in parts of several thousand bytes and would lose what is left of the last one.
    size_t cut_chunk;
    size_t cut_length;
} Source;

static void read_bytes(png_structp png, png_bytep target, size_t count) {
    Source *source = png_get_io_ptr(png);
    if (count > source->count - source->position) png_error(png, "the file ends too early");
    memcpy(target, source->bytes + source->position, count);
    if (source->cut_chunk == source->position && source->cut_chunk > 0 && count >= 4) {
        png_save_uint_32(target, (png_uint_32)source->cut_length);
    }
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

// Goes through the chunks: finds one that is cut, and the bytes of image data that there are.
static double find_image_data(Source *source) {
    double bytes = 0;
    size_t position = 8;
    while (source->count - position >= 8) {
        const uint8_t *chunk = source->bytes + position;
        size_t length = png_get_uint_32(chunk), left = source->count - position - 8;
        bool is_data = memcmp(chunk + 4, "IDAT", 4) == 0;
        if (is_data) bytes += (double)(length < left ? length : left);
        if (length >= left) {
            if (is_data && length > left) {
                source->cut_chunk = position;
                source->cut_length = left;
            }
            break;
        }
        if (left - length < 4) break;
        position += 12 + length;
    }
    return bytes;
}

ICStatus ic_png_header(const uint8_t *bytes, size_t count, ICHeader *header, char *message) {
    if (count < 26 || png_sig_cmp(bytes, 0, 8) != 0 || memcmp(bytes + 12, "IHDR", 4) != 0) {
        snprintf(message, IC_MESSAGE_LENGTH, "it has no PNG header");
        return ICRefused;
    }
    png_uint_32 width = png_get_uint_32(bytes + 16), height = png_get_uint_32(bytes + 20);
    if (width > PNG_UINT_31_MAX || height > PNG_UINT_31_MAX) {
        snprintf(message, IC_MESSAGE_LENGTH, "its header states %u x %u pixels", width, height);
        return ICRefused;
    }
    header->width = (int)width;
    header->height = (int)height;
    static const int channels[] = {1, 1, 3, 1, 2, 1, 4, 1};
    double bits = (double)bytes[24] * channels[bytes[25] & 7];
    double wanted = (double)height * (1 + (double)width * bits / 8);
    Source source = {bytes, count, 0, 0, 0};
    double there = find_image_data(&source);
    header->hasEnoughData =
        (double)width * height < JUDGED_PIXELS || there * MOST_EXPANSION >= wanted;
    if (!header->hasEnoughData) {
        snprintf(
            message, IC_MESSAGE_LENGTH,
            "%.0f bytes cannot hold the %u x %u pixels that its header states", there, width,
            height);
    }
    return ICComplete;
}

// Whether libpng has given the last row, although it failed behind it.
static bool has_all_rows(png_structp png, png_infop info) {
    return png_get_interlace_type(png, info) == PNG_INTERLACE_NONE
               ? png_get_current_row_number(png) >= png_get_image_height(png, info)
               : png_get_current_pass_number(png) >= PNG_INTERLACE_ADAM7_PASSES;
}

// Black, or the first colour of a palette.
static void clear(png_structp png, png_infop info, uint8_t *pixels, size_t count) {
    png_colorp palette = NULL;
    int colors = 0;
    memset(pixels, 0, 3 * count);
    if (png_get_color_type(png, info) != PNG_COLOR_TYPE_PALETTE ||
        !png_get_PLTE(png, info, &palette, &colors) || colors == 0) {
        return;
    }
    for (size_t i = 0; i < count; ++i) {
        pixels[3 * i] = palette[0].red;
        pixels[3 * i + 1] = palette[0].green;
        pixels[3 * i + 2] = palette[0].blue;
    }
}

// Two bytes a pixel become three equal ones, from the last pixel to the first. Values above 255 become
// white.
static void expand_gray16(uint8_t *pixels, size_t count) {
    for (size_t i = count; i-- > 0;) {
        uint8_t value = pixels[2 * i + 1] ? 255 : pixels[2 * i];
        pixels[3 * i] = pixels[3 * i + 1] = pixels[3 * i + 2] = value;
    }
}

ICStatus ic_png_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, char *message) {
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    volatile ICStatus status = ICRefused;
    volatile size_t gray16_pixels = 0;
    Source source = {bytes, count, 0, 0, 0};
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        snprintf(message, IC_MESSAGE_LENGTH, "no memory");
        return ICRefused;
    }
    if (!setjmp(png_jmpbuf(png))) {
        find_image_data(&source);
        png_set_read_fn(png, &source, read_bytes);
        // The caller has looked at the size.
        png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
        // Texts, profiles and the like are passed over, and no unknown chunk is an error.
        png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
        png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_ALWAYS, NULL, 0);
        png_read_info(png, info);
        // A wrong checksum of image data does not matter: the data have one of their own.
        png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
        size_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
        bool is_gray16 = png_get_bit_depth(png, info) == 16 &&
                         png_get_color_type(png, info) == PNG_COLOR_TYPE_GRAY;
        if (is_gray16) {
            png_set_swap(png);
        } else {
            png_set_expand(png);
            png_set_strip_16(png);
            png_set_strip_alpha(png);
            png_set_gray_to_rgb(png);
        }
        int passes = png_set_interlace_handling(png);
        clear(png, info, pixels, width * height);
        png_read_update_info(png, info);
        size_t stride = png_get_rowbytes(png, info);
        if (stride != width * (is_gray16 ? 2 : 3)) png_error(png, "its rows have another length");
        if (is_gray16) gray16_pixels = width * height;
        status = ICDamaged;  // what it is where a row fails
        for (int pass = 0; pass < passes; ++pass) {
            for (size_t y = 0; y < height; ++y) png_read_row(png, pixels + stride * y, NULL);
        }
        status = ICComplete;
    } else if (status == ICDamaged && has_all_rows(png, info)) {
        status = ICComplete;  // what follows the last row does not matter
    }
    expand_gray16(pixels, gray16_pixels);
    png_destroy_read_struct(&png, &info, NULL);
    return status;
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
    const uint8_t *pixels, int width, int height, const char *software, uint8_t **out,
    size_t *outCount, char *message) {
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
    if (software) {
        png_text text = {
            .compression = PNG_TEXT_COMPRESSION_NONE, .key = "Software", .text = (char *)software};
        png_set_text(png, info, &text, 1);
    }
    png_write_info(png, info);
    for (int y = 0; y < height; ++y) png_write_row(png, pixels + (size_t)y * width * 3);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    *out = sink->bytes;
    *outCount = sink->count;
    free(sink);
    return 0;
}
