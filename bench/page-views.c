/*
 * Readers of the warning page, as cheap as they can be so that they take little of the processor that dnsperf needs too:
 * so many views a second whatever the server does, each by an address of its own, so many by one connection. A view
 * counts when the whole page for its name has arrived in time. Prints one line:
 *   views failed p50us p99us maxus cpuus
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Connections at a time; a view that finds none is not begun and has failed. */
#define OPEN_MAX 1000
#define VIEW_TIMEOUT_US 5000000
#define NAME_BYTES 256
#define ANSWER_BYTES_MAX 65536
#define EVENTS 64

enum state { FREE, CONNECTING, WAITING, IDLE };

struct reader {
  enum state state;
  int fd, viewsLeft, answerBytes;
  long wantedBytes, beganUs;
  const char *name;
  char answer[ANSWER_BYTES_MAX + 1];
};

static const char *const LANGUAGES[] = {"zh-CN,zh;q=0.9", "en-GB,en;q=0.8", "ug,zh;q=0.5"};
static struct reader readers[OPEN_MAX];
static char (*names)[NAME_BYTES];
static long nameCount, begun, views, failed;
static long *latenciesUs;
static int port, perConnection, events;

static long nowUs(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

static void readNames(const char *file) {
  char line[NAME_BYTES];
  FILE *input = fopen(file, "r");
  if (input == NULL) exit(1);
  while (fgets(line, sizeof line, input) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    if (nameCount % 1024 == 0) names = realloc(names, (size_t)(nameCount + 1024) * NAME_BYTES);
    strcpy(names[nameCount++], line);
  }
  fclose(input);
  if (nameCount == 0) exit(1);
}

static void hangUp(struct reader *reader) {
  close(reader->fd);
  if (reader->state == CONNECTING || reader->state == WAITING) failed++;
  reader->state = FREE;
}

static void ask(struct reader *reader) {
  char request[1024];
  int bytes = snprintf(request, sizeof request,
                       "GET / HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0\r\n"
                       "Accept: text/html,*/*;q=0.8\r\nAccept-Language: %s\r\nConnection: %s\r\n\r\n",
                       reader->name, LANGUAGES[begun % 3], reader->viewsLeft > 1 ? "keep-alive" : "close");
  reader->state = WAITING;
  reader->answerBytes = 0;
  reader->wantedBytes = -1;
  if (send(reader->fd, request, (size_t)bytes, MSG_NOSIGNAL) != bytes) hangUp(reader);
}

/* One of the 3 million addresses of loopback, as if it were a subscriber's. */
static void connectFrom(struct reader *reader, long index) {
  unsigned host = (unsigned)(((1 + (index >> 14) % 200) << 16) | (((index >> 7) & 127) << 8) | (1 + (index & 127)));
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000U | host)};
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct epoll_event interest = {.events = EPOLLOUT, .data.ptr = reader};
  reader->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  reader->viewsLeft = perConnection;
  reader->state = CONNECTING;
  bind(reader->fd, (struct sockaddr *)&from, sizeof from);
  if (connect(reader->fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS) hangUp(reader);
  else epoll_ctl(events, EPOLL_CTL_ADD, reader->fd, &interest);
}

static void beginView(void) {
  struct reader *chosen = NULL;
  for (int at = 0; at < OPEN_MAX; at++) {
    struct reader *reader = &readers[at];
    if (reader->state == IDLE) {
      chosen = reader;
      break;
    }
    if (reader->state == FREE && chosen == NULL) chosen = reader;
  }
  if (chosen == NULL) failed++;
  else {
    chosen->name = names[begun % nameCount];
    chosen->beganUs = nowUs();
    if (chosen->state == IDLE) ask(chosen);
    else connectFrom(chosen, begun);
  }
  begun++;
}

static int isPage(const struct reader *reader) {
  char shown[NAME_BYTES + 8];
  snprintf(shown, sizeof shown, ">%s</p>", reader->name);
  return strncmp(reader->answer, "HTTP/1.1 451 ", 13) == 0 && strstr(reader->answer, shown) != NULL &&
         strstr(reader->answer, "</html>") != NULL;
}

static void receive(struct reader *reader) {
  long room = ANSWER_BYTES_MAX - reader->answerBytes;
  long bytes = recv(reader->fd, reader->answer + reader->answerBytes, (size_t)room, 0);
  if (bytes < 0 && errno == EAGAIN) return;
  if (bytes <= 0 || reader->state != WAITING) {
    hangUp(reader);
    return;
  }
  reader->answerBytes += (int)bytes;
  reader->answer[reader->answerBytes] = '\0';
  if (reader->wantedBytes < 0) {
    const char *end = strstr(reader->answer, "\r\n\r\n");
    const char *length = strcasestr(reader->answer, "\r\ncontent-length:");
    if (end == NULL) return;
    if (length == NULL || length > end) {
      hangUp(reader);
      return;
    }
    reader->wantedBytes = end + 4 - reader->answer + atol(length + 17);
  }
  if (reader->answerBytes < reader->wantedBytes) return;
  if (isPage(reader)) latenciesUs[views++] = nowUs() - reader->beganUs;
  else failed++;
  reader->state = IDLE;
  if (--reader->viewsLeft == 0) hangUp(reader);
}

static void takeEvents(int timeoutMs) {
  struct epoll_event ready[EVENTS];
  int count = epoll_wait(events, ready, EVENTS, timeoutMs);
  for (int at = 0; at < count; at++) {
    struct reader *reader = ready[at].data.ptr;
    if (reader->state == CONNECTING) {
      struct epoll_event interest = {.events = EPOLLIN, .data.ptr = reader};
      epoll_ctl(events, EPOLL_CTL_MOD, reader->fd, &interest);
      ask(reader);
    } else receive(reader);
  }
}

static int isOpen(long timeUs) {
  int count = 0;
  for (int at = 0; at < OPEN_MAX; at++) {
    struct reader *reader = &readers[at];
    if (reader->state != CONNECTING && reader->state != WAITING) continue;
    if (timeUs - reader->beganUs > VIEW_TIMEOUT_US) hangUp(reader);
    else count++;
  }
  return count > 0;
}

static int byValue(const void *a, const void *b) {
  long difference = *(const long *)a - *(const long *)b;
  return difference < 0 ? -1 : difference > 0;
}

static long percentile(double percent) {
  return views == 0 ? 0 : latenciesUs[(long)((double)(views - 1) * percent / 100)];
}

int main(int count, char **words) {
  struct rusage used;
  long start, total, lookedUs;
  double perSecond;
  if (count != 6) {
    fprintf(stderr, "page-views PORT VIEWS_A_SECOND SECONDS VIEWS_A_CONNECTION FILE_OF_NAMES\n");
    return 2;
  }
  port = atoi(words[1]);
  perSecond = atof(words[2]);
  perConnection = atoi(words[4]);
  readNames(words[5]);
  total = (long)(perSecond * atof(words[3]));
  latenciesUs = calloc((size_t)total + 1, sizeof *latenciesUs);
  events = epoll_create1(0);
  if (latenciesUs == NULL || events < 0) return 1;
  lookedUs = start = nowUs();
  for (long now = start; begun < total || isOpen(now); now = nowUs()) {
    while (begun < total && (double)begun < (double)(now - start) / 1e6 * perSecond) beginView();
    takeEvents(1);
    if (now - lookedUs > VIEW_TIMEOUT_US / 10) {
      isOpen(now);
      lookedUs = now;
    }
  }
  getrusage(RUSAGE_SELF, &used);
  qsort(latenciesUs, (size_t)views, sizeof *latenciesUs, byValue);
  printf("%ld %ld %ld %ld %ld %ld\n", views, failed, percentile(50), percentile(99), percentile(100),
         (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000L + used.ru_utime.tv_usec + used.ru_stime.tv_usec);
  return 0;
}
