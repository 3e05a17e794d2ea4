/** Requests that try to get markup, headers or a script of theirs into the page: raw octets, one request each. */

/** What every attempt carries, and what no answer may show. */
export const MARKER = 'zq7marker';

const SCRIPT = `<script>alert('${MARKER}')</script>`;
const IMAGE = `"><img src=x onerror=alert('${MARKER}')>`;
const HEADER = `%0d%0aSet-Cookie:%20${MARKER}=1%0d%0a%0d%0a${SCRIPT}`;
const LISTED = 'Host: www.listed.example';

function request(line: string, ...fields: readonly string[]): string {
  return [`${line} HTTP/1.1`, ...fields, 'Accept: text/html', 'Connection: close', '', ''].join('\r\n');
}

function withBody(type: string, body: string): string {
  return (
    `POST /login HTTP/1.1\r\n${LISTED}\r\nAccept: text/html\r\nContent-Type: ${type}\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  );
}

export const HOSTILE_REQUESTS: Readonly<Record<string, string>> = {
  'markup as the host': request('GET /', `Host: ${SCRIPT}`),
  'an attribute as the host': request('GET /', `Host: ${IMAGE}`),
  'markup before a listed host': request('GET /', `Host: ${SCRIPT}.listed.example`),
  'a label that is no name before a listed host': request('GET /', `Host: "onload=${MARKER}".listed.example`),
  'a host with user information': request('GET /', `Host: ${MARKER}:${SCRIPT}@www.listed.example`),
  'a port that is none': request('GET /', `Host: www.listed.example:${SCRIPT}`),
  'two hosts': request('GET /', LISTED, `Host: ${MARKER}.example`),
  'a host of 8,000 octets': request('GET /', `Host: ${`${MARKER}.`.repeat(800)}listed.example`),
  'a host with a NUL': request('GET /', `Host: ${MARKER}\0.listed.example`),
  'a host in UTF-8': request('GET /', `Host: ${MARKER}\u202e\u{1f4a9}.listed.example`),
  'a forwarded host': request('GET /', LISTED, `X-Forwarded-Host: ${SCRIPT}`, `Forwarded: host=${SCRIPT}`),
  'markup in the path': request(`GET /${SCRIPT.replaceAll(' ', '+')}`, LISTED),
  'markup in the path, encoded': request(`GET /${encodeURIComponent(SCRIPT)}`, LISTED),
  'an encoding that is broken': request(`GET /%${MARKER}%E0%A4%A`, LISTED),
  'a header in the path': request(`GET /${HEADER}`, LISTED),
  'a path of 12,000 octets': request(`GET /${MARKER.repeat(1_300)}`, LISTED),
  'a path that climbs': request(`GET /../../${MARKER}/..%2f..%2fetc/passwd`, LISTED),
  'markup as the language': request(`GET /?lang=${encodeURIComponent(IMAGE)}`, LISTED),
  'markup as the language, plain': request(`GET /?lang="><svg/onload=alert('${MARKER}')>`, LISTED),
  'the prototype as the language': request(`GET /?lang=__proto__&lang=${MARKER}`, LISTED),
  'a header as the language': request(`GET /?lang=en${HEADER}`, LISTED),
  'markup as the preferred language': request('GET /', LISTED, `Accept-Language: ${SCRIPT};q=1, en;q=0.5`),
  'a target in absolute form': request(`GET http://${MARKER}"onload=alert(1).example/`, LISTED),
  'a target of another scheme': request(`GET javascript:alert('${MARKER}')`, LISTED),
  'markup as the address it came from': request('GET /', LISTED, `Referer: ${SCRIPT}`, `Origin: ${SCRIPT}`),
  'markup as cookies and program': request('GET /', LISTED, `Cookie: a=${SCRIPT}`, `User-Agent: ${SCRIPT}`),
  'markup as the destination': request('GET /', LISTED, `Sec-Fetch-Dest: ${SCRIPT}`),
  'a method that is none': request(`${MARKER.toUpperCase()} /`, LISTED),
  'a form': withBody('application/x-www-form-urlencoded', `user=${encodeURIComponent(SCRIPT)}&next=${MARKER}`),
  'a form with a file': withBody(
    `multipart/form-data; boundary=${MARKER}`,
    `--${MARKER}\r\nContent-Disposition: form-data; name="${IMAGE}"; filename="${SCRIPT}"\r\n\r\n${SCRIPT}\r\n--${MARKER}--\r\n`,
  ),
  'JSON with a prototype': withBody('application/json', `{"__proto__":{"${MARKER}":"${MARKER}"}}`),
  'a body longer than it says': withBody('text/plain', SCRIPT) + SCRIPT.repeat(50),
};
