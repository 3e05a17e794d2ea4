/**
 * How a list's source is named to people: in the log, on /readyz and in what commands print. A URL loses its query,
 * which is where a provider of lists puts the subscriber's key.
 */

/** Cost: none to speak of; a path comes back as it is. */
export function shownLocation(location: string): string {
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(location)) return location;
  const url = URL.parse(location);
  if (url === null) return location.replace(/[?#].*$/s, '');
  return `${url.protocol}//${url.host}${url.pathname}${url.search === '' ? '' : '?…'}`;
}
