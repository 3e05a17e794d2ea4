/* The floor: receives datagrams in batches of 64, sets the QR bit, sends them back. No logic. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SLOTS 64
#define SLOT_BYTES 4096

static char buffers[SLOTS][SLOT_BYTES];
static struct sockaddr_in peers[SLOTS];
static struct iovec pieces[SLOTS];
static struct mmsghdr headers[SLOTS];

int main(int count, char **words) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  int room = 4 * 1024 * 1024;
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (count < 2 || fd < 0) return 1;
  address.sin_port = htons((unsigned short)atoi(words[1]));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    perror("bind");
    return 1;
  }
  for (;;) {
    int received;
    int sent = 0;
    for (int slot = 0; slot < SLOTS; slot++) {
      pieces[slot] = (struct iovec){buffers[slot], SLOT_BYTES};
      memset(&headers[slot], 0, sizeof headers[slot]);
      headers[slot].msg_hdr.msg_name = &peers[slot];
      headers[slot].msg_hdr.msg_namelen = sizeof peers[slot];
      headers[slot].msg_hdr.msg_iov = &pieces[slot];
      headers[slot].msg_hdr.msg_iovlen = 1;
    }
    received = recvmmsg(fd, headers, SLOTS, MSG_WAITFORONE, NULL);
    if (received < 0) continue;
    for (int slot = 0; slot < received; slot++) {
      if (headers[slot].msg_len > 2) buffers[slot][2] |= (char)0x80;
      pieces[slot].iov_len = headers[slot].msg_len;
    }
    while (sent < received) {
      int now = sendmmsg(fd, headers + sent, (unsigned)(received - sent), 0);
      sent += now > 0 ? now : 1;
    }
  }
}
