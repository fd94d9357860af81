// JPEG and PNG decoding and encoding through libjpeg and libpng. Both report errors with longjmp,
// which must not cross Swift frames, so the calls that can fail stay in C.
#ifndef IMAGE_CODECS_H
#define IMAGE_CODECS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What became of a picture.
typedef enum ICStatus {
    ICComplete,         // all of it is there
    ICDamaged,          // its end is missing or broken, as the message says
    ICRefused,          // there is nothing to show, as the message says
} ICStatus;

// What the beginning of a file says, before any pixel is decoded.
typedef struct ICHeader {
    int width;
    int height;
    // Whether the file has at least the bytes that a picture of its size takes in its format. Small
    // pictures are not judged.
    bool hasEnoughData;
} ICHeader;

enum { IC_MESSAGE_LENGTH = 256 };

// The header of a JPEG: ICComplete or ICRefused.
ICStatus ic_jpeg_header(const uint8_t *bytes, size_t count, ICHeader *header, char *message);
// Decodes a JPEG to RGB, at `eighths`/8 of its size (1 ... 8, sides rounded up). Every one of the
// 3 · width · height bytes of `pixels` is written; rows that could not be read are without ink.
ICStatus ic_jpeg_decode(
    const uint8_t *bytes, size_t count, int eighths, uint8_t *pixels, char *message);
// The header of a PNG: ICComplete or ICRefused.
ICStatus ic_png_header(const uint8_t *bytes, size_t count, ICHeader *header, char *message);
// Decodes a PNG to RGB: palettes become colours, alpha is dropped, 16-bit colours keep their high byte
// and 16-bit grey is cut at 255, as Pillow has it. Every one of the 3 · width · height bytes of
// `pixels` is written; pixels that could not be read are black, or of a palette's first colour.
ICStatus ic_png_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, char *message);
// Encodes RGB pixels; `*out` is released with ic_free. 0, or -1 and a message.
int ic_jpeg_encode(
    const uint8_t *pixels, int width, int height, int quality, uint8_t **out, size_t *outCount,
    char *message);
// The same with a text that names the program that made the file, NULL for none.
int ic_png_encode(
    const uint8_t *pixels, int width, int height, const char *software, uint8_t **out,
    size_t *outCount, char *message);
void ic_free(void *memory);

#endif
