/*
 * A V4L2 camera in user space, for tests: preloaded (LD_PRELOAD), it makes one device path behave as an MJPEG camera
 * with memory-mapped streaming (https://docs.kernel.org/userspace-api/media/v4l/mmap.html). It serves the files of a
 * folder in the order of their names, over and over, so that whatever reads cameras runs its real code without one.
 *
 * Environment:
 *   FAKE_CAMERA_DEVICE  the path to take over (/dev/video0)
 *   FAKE_CAMERA_FOLDER  the folder with the frames
 *   FAKE_CAMERA_WIDTH, FAKE_CAMERA_HEIGHT, FAKE_CAMERA_FPS  what it gives, whatever is asked of it (640, 480, 30)
 *   FAKE_CAMERA_FRAMES  unplugged after so many frames (0: never)
 *   FAKE_CAMERA_FAULT   "denied": open fails with EACCES; "busy": another program streams from it; "unplugged": it is
 *                       gone; "blocks": no call for a frame returns; or the path of a file that holds one of these words
 *                       or nothing, and may change at any time
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { BUFFERS = 16, BUFFER_BYTES = 8 << 20 };

static struct {
    int fd;              /* what the program holds as the device: memory that it can map; -1 when closed */
    unsigned char *memory;
    unsigned queue[BUFFERS], queued; /* buffers that wait for a frame, oldest first */
    unsigned frames;                 /* served since the stream was switched on */
    struct timespec due;             /* when the next frame is complete */
} camera = {.fd = -1};

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}

static unsigned number(const char *name, const char *otherwise)
{
    return (unsigned)strtoul(setting(name, otherwise), NULL, 10);
}

static int fail(int reason)
{
    errno = reason;
    return -1;
}

static int fault_is(const char *name)
{
    const char *fault = setting("FAKE_CAMERA_FAULT", "");
    char word[16] = "";

    if (*fault != '/')
        return !strcmp(fault, name);
    FILE *file = fopen(fault, "r");
    if (file) {
        size_t length = fread(word, 1, sizeof word - 1, file);
        word[length] = 0;
        fclose(file);
    }
    return !strcmp(word, name);
}

static int open_camera(void)
{
    size_t bytes = (size_t)BUFFERS * BUFFER_BYTES;

    if (fault_is("denied"))
        return fail(EACCES);
    if (fault_is("unplugged"))
        return fail(ENOENT);
    if (camera.fd >= 0)
        return fail(EBUSY);
    int fd = memfd_create("fake camera", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)bytes))
        return -1;
    camera.memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (camera.memory == MAP_FAILED)
        return -1;
    camera.queued = 0;
    return camera.fd = fd;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Put the frame of this number into a buffer and return its length; 0 if there is none. */
static unsigned load_frame(unsigned index, unsigned char *buffer)
{
    const char *folder = setting("FAKE_CAMERA_FOLDER", ".");
    struct dirent **entries;
    int count = scandir(folder, &entries, visible, alphasort);
    unsigned length = 0;
    char path[4096];

    for (int i = 0; i < count; i++) {
        if ((unsigned)i == index % (unsigned)count) {
            snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
            FILE *file = fopen(path, "rb");
            if (file) {
                length = (unsigned)fread(buffer, 1, BUFFER_BYTES, file);
                fclose(file);
            }
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return length;
}

static int query_capability(struct v4l2_capability *answer)
{
    memset(answer, 0, sizeof *answer);
    strcpy((char *)answer->driver, "fake_camera");
    strcpy((char *)answer->card, "Fake camera");
    answer->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
    answer->capabilities = answer->device_caps | V4L2_CAP_DEVICE_CAPS;
    return 0;
}

static int answer_format(struct v4l2_format *format)
{
    struct v4l2_pix_format *picture = &format->fmt.pix;

    if (format->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
        return fail(EINVAL);
    memset(picture, 0, sizeof *picture);
    picture->width = number("FAKE_CAMERA_WIDTH", "640");
    picture->height = number("FAKE_CAMERA_HEIGHT", "480");
    picture->pixelformat = V4L2_PIX_FMT_MJPEG;
    picture->field = V4L2_FIELD_NONE;
    picture->sizeimage = BUFFER_BYTES;
    return 0;
}

static int answer_rate(struct v4l2_streamparm *parameters)
{
    struct v4l2_captureparm *capture = &parameters->parm.capture;

    capture->capability = V4L2_CAP_TIMEPERFRAME;
    capture->timeperframe.numerator = 1;
    capture->timeperframe.denominator = number("FAKE_CAMERA_FPS", "30");
    return 0;
}

static int request_buffers(struct v4l2_requestbuffers *request)
{
    if (fault_is("busy"))
        return fail(EBUSY);
    if (request->memory != V4L2_MEMORY_MMAP)
        return fail(EINVAL);
    if (request->count > BUFFERS)
        request->count = BUFFERS;
    camera.queued = 0;
    return 0;
}

static int query_buffer(struct v4l2_buffer *buffer)
{
    if (buffer->index >= BUFFERS)
        return fail(EINVAL);
    buffer->length = BUFFER_BYTES;
    buffer->m.offset = buffer->index * BUFFER_BYTES;
    return 0;
}

static int queue_buffer(const struct v4l2_buffer *buffer)
{
    if (buffer->index >= BUFFERS || camera.queued == BUFFERS)
        return fail(EINVAL);
    camera.queue[camera.queued++] = buffer->index;
    return 0;
}

/* The time of a frame is when the camera took it, however late it is fetched. */
static struct timespec wait_until_due(void)
{
    long period = 1000000000L / number("FAKE_CAMERA_FPS", "30");
    struct timespec taken;

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &camera.due, NULL) == EINTR)
        ;
    taken = camera.due;
    camera.due.tv_nsec += period;
    camera.due.tv_sec += camera.due.tv_nsec / 1000000000L;
    camera.due.tv_nsec %= 1000000000L;
    return taken;
}

static int dequeue_buffer(struct v4l2_buffer *buffer)
{
    unsigned limit = number("FAKE_CAMERA_FRAMES", "0");
    struct timespec taken;

    while (fault_is("blocks"))
        usleep(10000);
    if (fault_is("unplugged") || (limit && camera.frames >= limit))
        return fail(ENODEV);
    if (!camera.queued)
        return fail(EAGAIN);
    taken = wait_until_due();
    unsigned index = camera.queue[0];
    memmove(camera.queue, camera.queue + 1, --camera.queued * sizeof *camera.queue);

    memset(buffer, 0, sizeof *buffer);
    buffer->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    buffer->memory = V4L2_MEMORY_MMAP;
    buffer->index = index;
    query_buffer(buffer);
    buffer->bytesused = load_frame(camera.frames, camera.memory + (size_t)index * BUFFER_BYTES);
    buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    buffer->timestamp.tv_sec = taken.tv_sec;
    buffer->timestamp.tv_usec = taken.tv_nsec / 1000;
    buffer->sequence = camera.frames++;
    return 0;
}

static int stream_on(void)
{
    camera.frames = 0;
    return clock_gettime(CLOCK_MONOTONIC, &camera.due);
}

static int answer(unsigned long request, void *argument)
{
    switch (request) {
    case VIDIOC_QUERYCAP:  return query_capability(argument);
    case VIDIOC_G_FMT:
    case VIDIOC_S_FMT:
    case VIDIOC_TRY_FMT:   return answer_format(argument);
    case VIDIOC_G_PARM:
    case VIDIOC_S_PARM:    return answer_rate(argument);
    case VIDIOC_REQBUFS:   return request_buffers(argument);
    case VIDIOC_QUERYBUF:  return query_buffer(argument);
    case VIDIOC_QBUF:      return queue_buffer(argument);
    case VIDIOC_DQBUF:     return dequeue_buffer(argument);
    case VIDIOC_STREAMON:  return stream_on();
    case VIDIOC_STREAMOFF: camera.queued = 0; return 0;
    case VIDIOC_G_INPUT:   *(int *)argument = 0; return 0;
    case VIDIOC_S_INPUT:   return 0;
    default:               return fail(ENOTTY);
    }
}

/* The calls of the C library that are taken over. Whatever does not concern the camera is passed on. */

static void *original(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static int is_camera(const char *path)
{
    return path && !strcmp(path, setting("FAKE_CAMERA_DEVICE", "/dev/video0"));
}

static mode_t mode_of(int flags, va_list arguments)
{
    int creates = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;

    return creates ? va_arg(arguments, mode_t) : 0;
}

#define TAKE_OVER_OPEN(name)                                                    \
    int name(const char *path, int flags, ...)                                  \
    {                                                                           \
        int (*open_original)(const char *, int, ...) = original(#name);         \
        va_list arguments;                                                      \
        va_start(arguments, flags);                                             \
        mode_t mode = mode_of(flags, arguments);                                \
        va_end(arguments);                                                      \
        return is_camera(path) ? open_camera() : open_original(path, flags, mode); \
    }

TAKE_OVER_OPEN(open)
TAKE_OVER_OPEN(open64)

int close(int fd)
{
    int (*close_original)(int) = original("close");

    if (fd >= 0 && fd == camera.fd) {
        munmap(camera.memory, (size_t)BUFFERS * BUFFER_BYTES);
        camera.fd = -1;
    }
    return close_original(fd);
}

int ioctl(int fd, unsigned long request, ...)
{
    int (*ioctl_original)(int, unsigned long, ...) = original("ioctl");
    va_list arguments;

    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    /* Callers that keep requests in an int pass them on with the sign extended. */
    return fd >= 0 && fd == camera.fd ? answer((unsigned)request, argument) : ioctl_original(fd, request, argument);
}
