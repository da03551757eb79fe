/*
 * The loop that rx-isoch is measured against: isochronous IN on libusb, resubmitted in the callback.
 * It takes the packets together, as the addon does, and follows the counter of each transfer.
 *
 * stream BUS ADDRESS PACKET_LENGTH PACKETS QUEUE WARM_UP SECONDS
 *
 * It streams for WARM_UP seconds and then for SECONDS, of which it prints what they cost.
 */
#include <libusb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { interface_number = 0, alternate = 1, endpoint = 0x81 };

static int packet_length, packets, in_flight;
static double begin, end;
static uint8_t *compacted;
static uint64_t frames, missing, expected;
static int is_first = 1, is_warm;
static double warm_at, cpu_at_begin;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double cpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void LIBUSB_CALL completed(struct libusb_transfer *transfer) {
  uint8_t *to = compacted;
  if (!is_warm && now() >= begin) {
    is_warm = 1;
    warm_at = now();
    cpu_at_begin = cpu();
    frames = 0;
  }
  for (int i = 0; i < packets; i++) {
    const struct libusb_iso_packet_descriptor *packet = &transfer->iso_packet_desc[i];
    if (packet->status != LIBUSB_TRANSFER_COMPLETED) continue;
    memcpy(to, transfer->buffer + i * packet_length, packet->actual_length);
    to += packet->actual_length;
    frames++;
  }
  if (to > compacted) {
    uint64_t first;
    memcpy(&first, compacted, sizeof first);
    if (!is_first) missing += first - expected;
    is_first = 0;
    expected = first + (uint64_t)packets;
  }
  if (now() >= end || libusb_submit_transfer(transfer) != 0) in_flight--;
}

int main(int argc, char **argv) {
  if (argc != 8) return 2;
  const int bus = atoi(argv[1]), address = atoi(argv[2]);
  packet_length = atoi(argv[3]);
  packets = atoi(argv[4]);
  const int queue = atoi(argv[5]);
  libusb_context *context;
  if (libusb_init_context(&context, NULL, 0) != 0) return 3;
  libusb_device **list;
  libusb_device_handle *handle = NULL;
  const ssize_t count = libusb_get_device_list(context, &list);
  for (ssize_t i = 0; i < count; i++) {
    if (libusb_get_bus_number(list[i]) == bus && libusb_get_device_address(list[i]) == address) {
      libusb_open(list[i], &handle);
    }
  }
  libusb_free_device_list(list, 1);
  if (handle == NULL || libusb_claim_interface(handle, interface_number) != 0 ||
      libusb_set_interface_alt_setting(handle, interface_number, alternate) != 0) {
    return 4;
  }
  compacted = malloc((size_t)(packets * packet_length));
  begin = now() + atof(argv[6]);
  end = begin + atof(argv[7]);
  for (int i = 0; i < queue; i++) {
    struct libusb_transfer *transfer = libusb_alloc_transfer(packets);
    libusb_fill_iso_transfer(transfer, handle, endpoint, malloc((size_t)(packets * packet_length)),
                             packets * packet_length, packets, completed, NULL, 0);
    libusb_set_iso_packet_lengths(transfer, (unsigned)packet_length);
    if (libusb_submit_transfer(transfer) != 0) return 5;
    in_flight++;
  }
  while (in_flight > 0) libusb_handle_events(context);
  printf("{\"seconds\":%f,\"cpu\":%f,\"frames\":%llu,\"missing\":%llu,\"lost\":%llu}\n", now() - warm_at, cpu() - cpu_at_begin,
         (unsigned long long)frames, (unsigned long long)missing, (unsigned long long)missing);
  libusb_release_interface(handle, interface_number);
  libusb_close(handle);
  libusb_exit(context);
  return 0;
}
