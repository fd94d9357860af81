// JPEG and PNG decoding and encoding through libturbojpeg and libpng. libpng reports errors with
// longjmp, which must not cross Swift frames, so the calls that can fail stay in C.
#ifndef IMAGE_CODECS_H
#define IMAGE_CODECS_H

#include <stddef.h>
#include <stdint.h>

// Layout of decoded pixels.
typedef enum ICFormat {
    ICFormatRGB,        // 3 bytes a pixel
    ICFormatCMYK,       // 4 bytes a pixel, as stored in the file
    ICFormatGray16,     // 2 bytes a pixel in the machine's byte order
} ICFormat;

typedef struct ICImage {
    uint8_t *pixels;    // released with ic_free
    int width;
    int height;
    ICFormat format;
} ICImage;

enum { IC_MESSAGE_LENGTH = 256 };

// Size of a JPEG from its header. 0, or -1 and a message.
int ic_jpeg_size(const uint8_t *bytes, size_t count, int *width, int *height, char *message);
// Decodes a JPEG, at `eighths`/8 of its size (1 ... 8). 0, or -1 and a message.
int ic_jpeg_decode(const uint8_t *bytes, size_t count, int eighths, ICImage *image, char *message);
// Size of a PNG from its header.
int ic_png_size(const uint8_t *bytes, size_t count, int *width, int *height, char *message);
// Decodes a PNG: palettes become colours, alpha is dropped, 16-bit colours keep their high byte and
// 16-bit grey keeps both.
int ic_png_decode(const uint8_t *bytes, size_t count, ICImage *image, char *message);
// Encodes RGB pixels; `*out` is released with ic_free.
int ic_jpeg_encode(
    const uint8_t *pixels, int width, int height, int quality, uint8_t **out, size_t *outCount,
    char *message);
int ic_png_encode(
    const uint8_t *pixels, int width, int height, uint8_t **out, size_t *outCount, char *message);
void ic_free(void *memory);

#endif
