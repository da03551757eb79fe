/*
 * Isochronous transfers through usbfs, with nothing in between.
 *
 *   usbfs-isoch NODE in|out|cancel ALTERNATE PACKETS LENGTH DEPTH COUNT
 *
 * in, out: COUNT transfers, DEPTH of them in flight. cancel: one transfer, taken back while it runs,
 * until one is met of which packets had moved. Prints one JSON object.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static int device;

static void check(int result, const char *what)
{
	if (result >= 0)
		return;
	printf("{\"error\":\"%s: %s\"}\n", what, strerror(errno));
	exit(1);
}

static struct usbdevfs_urb *make(int endpoint, int packets, int length)
{
	struct usbdevfs_urb *urb = calloc(1, sizeof(*urb) + packets * sizeof(urb->iso_frame_desc[0]));

	urb->type = USBDEVFS_URB_TYPE_ISO;
	urb->endpoint = endpoint;
	urb->flags = USBDEVFS_URB_ISO_ASAP;
	urb->buffer = calloc(packets, length);
	urb->buffer_length = packets * length;
	urb->number_of_packets = packets;
	for (int i = 0; i < packets; i++)
		urb->iso_frame_desc[i].length = length;
	return urb;
}

static struct usbdevfs_urb *reap(void)
{
	struct usbdevfs_urb *urb = NULL;

	check(ioctl(device, USBDEVFS_REAPURB, &urb), "reap");
	return urb;
}

static void fill(struct usbdevfs_urb *urb, int length, uint64_t *counter)
{
	for (int i = 0; i < urb->number_of_packets; i++, (*counter)++)
		memcpy((char *)urb->buffer + i * length, counter, sizeof(*counter));
}

static void stream(int is_in, int packets, int length, int depth, int count)
{
	long long bytes = 0, bad = 0, misplaced = 0, skipped = 0;
	uint64_t sent = 0, expected = 0;
	int submitted = 0, reaped = 0;
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (; submitted < depth && submitted < count; submitted++) {
		struct usbdevfs_urb *urb = make(is_in ? 0x81 : 0x01, packets, length);

		if (!is_in)
			fill(urb, length, &sent);
		check(ioctl(device, USBDEVFS_SUBMITURB, urb), "submit");
	}
	for (; reaped < count; reaped++) {
		struct usbdevfs_urb *urb = reap();

		for (int i = 0; i < packets; i++) {
			struct usbdevfs_iso_packet_desc *packet = &urb->iso_frame_desc[i];
			uint64_t counter;

			if (packet->status != 0 || packet->actual_length != (unsigned int)length)
				bad++;
			bytes += packet->actual_length;
			if (!is_in)
				continue;
			memcpy(&counter, (char *)urb->buffer + i * length, sizeof(counter));
			/*
			 * Between two transfers frames pass where the queue has run dry. How many the server
			 * says that they were cannot be compared: usbfs does not give start_frame back.
			 */
			if (i == 0 && reaped > 0)
				skipped += counter - expected;
			else if (i > 0 && counter != expected)
				misplaced++;
			expected = counter + 1;
		}
		if (submitted == count)
			continue;
		if (!is_in)
			fill(urb, length, &sent);
		check(ioctl(device, USBDEVFS_SUBMITURB, urb), "submit again");
		submitted++;
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("{\"bytes\":%lld,\"bad\":%lld,\"misplaced\":%lld,\"skipped\":%lld,\"seconds\":%.3f}\n", bytes, bad,
	       misplaced, skipped, (to.tv_sec - from.tv_sec) + (to.tv_nsec - from.tv_nsec) / 1e9);
}

static void cancel(int packets, int length)
{
	for (int attempt = 1; attempt <= 200; attempt++) {
		struct usbdevfs_urb *urb = make(0x81, packets, length);
		int moved = 0, contiguous = 1, after = 0;
		uint64_t first = 0;

		check(ioctl(device, USBDEVFS_SUBMITURB, urb), "submit");
		/* Half way is somewhere between a fiftieth of its duration and four times that: the way to the device counts. */
		usleep(attempt * packets * 125 / 50);
		ioctl(device, USBDEVFS_DISCARDURB, urb);
		urb = reap();
		while (moved < packets && urb->iso_frame_desc[moved].status == 0)
			moved++;
		for (int i = 0; i < moved; i++) {
			uint64_t counter;

			memcpy(&counter, (char *)urb->buffer + i * length, sizeof(counter));
			if (i == 0)
				first = counter;
			contiguous &= counter == first + i;
		}
		for (int i = moved; i < packets; i++)
			after += urb->iso_frame_desc[i].status == -EXDEV && urb->iso_frame_desc[i].actual_length == 0;
		if (moved == 0 || moved == packets)
			continue;
		printf("{\"status\":%d,\"moved\":%d,\"contiguous\":%d,\"after\":%d,\"packets\":%d}\n", urb->status, moved,
		       contiguous, after, packets);
		return;
	}
	printf("{\"error\":\"no transfer was met half way\"}\n");
}

int main(int argc, char **argv)
{
	struct usbdevfs_setinterface alternate = { .interface = 0 };
	unsigned int interface = 0;

	if (argc != 8)
		return 2;
	device = open(argv[1], O_RDWR);
	check(device, "open");
	check(ioctl(device, USBDEVFS_CLAIMINTERFACE, &interface), "claim");
	alternate.altsetting = atoi(argv[3]);
	check(ioctl(device, USBDEVFS_SETINTERFACE, &alternate), "select");
	if (strcmp(argv[2], "cancel") == 0)
		cancel(atoi(argv[4]), atoi(argv[5]));
	else
		stream(strcmp(argv[2], "in") == 0, atoi(argv[4]), atoi(argv[5]), atoi(argv[6]), atoi(argv[7]));
	return 0;
}
