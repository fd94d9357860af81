#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "image_codecs.h"

void ic_free(void *memory) { free(memory); }

static int fail(tjhandle handle, char *message) {
    snprintf(message, IC_MESSAGE_LENGTH, "%s", tjGetErrorStr2(handle));
    if (handle) tjDestroy(handle);
    return -1;
}

int ic_jpeg_size(const uint8_t *bytes, size_t count, int *width, int *height, char *message) {
    tjhandle handle = tjInitDecompress();
    int subsampling, space;
    if (!handle ||
        tjDecompressHeader3(handle, bytes, count, width, height, &subsampling, &space) != 0) {
        return fail(handle, message);
    }
    tjDestroy(handle);
    return 0;
}

int ic_jpeg_decode(const uint8_t *bytes, size_t count, int eighths, ICImage *image, char *message) {
    tjhandle handle = tjInitDecompress();
    int width, height, subsampling, space;
    if (!handle ||
        tjDecompressHeader3(handle, bytes, count, &width, &height, &subsampling, &space) != 0) {
        return fail(handle, message);
    }
    tjscalingfactor factor = {eighths, 8};
    image->width = TJSCALED(width, factor);
    image->height = TJSCALED(height, factor);
    image->format = space == TJCS_CMYK || space == TJCS_YCCK ? ICFormatCMYK : ICFormatRGB;
    size_t pixelSize = image->format == ICFormatCMYK ? 4 : 3;
    image->pixels = malloc((size_t)image->width * image->height * pixelSize);
    if (!image->pixels) {
        snprintf(message, IC_MESSAGE_LENGTH, "no memory for %d x %d pixels", width, height);
        tjDestroy(handle);
        return -1;
    }
    int status = tjDecompress2(
        handle, bytes, count, image->pixels, image->width, 0, image->height,
        image->format == ICFormatCMYK ? TJPF_CMYK : TJPF_RGB, TJFLAG_ACCURATEDCT);
    // A warning leaves a usable picture, except where its rest is missing.
    if (status != 0 && (tjGetErrorCode(handle) == TJERR_FATAL ||
                        strstr(tjGetErrorStr2(handle), "remature end"))) {
        free(image->pixels);
        image->pixels = NULL;
        return fail(handle, message);
    }
    tjDestroy(handle);
    return 0;
}

int ic_jpeg_encode(
    const uint8_t *pixels, int width, int height, int quality, uint8_t **out, size_t *outCount,
    char *message) {
    tjhandle handle = tjInitCompress();
    unsigned char *buffer = NULL;
    unsigned long size = 0;
    if (!handle || tjCompress2(
                       handle, pixels, width, 0, height, TJPF_RGB, &buffer, &size, TJSAMP_420,
                       quality, TJFLAG_ACCURATEDCT) != 0) {
        tjFree(buffer);
        return fail(handle, message);
    }
    tjDestroy(handle);
    *out = malloc(size);
    if (*out) memcpy(*out, buffer, size);
    *outCount = size;
    tjFree(buffer);
    if (*out) return 0;
    snprintf(message, IC_MESSAGE_LENGTH, "no memory");
    return -1;
}
