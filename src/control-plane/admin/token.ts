/** GET /v1/token: whose token this is and what it may do, so that a maintainer can try it before the first push. */
import { ok, type ApiRoute } from './api-route.ts';
import { list, record, right, text } from './schemas.ts';

export function tokenRoutes(): ApiRoute[] {
  return [
    {
      method: 'GET',
      url: '/v1/token',
      operationId: 'getToken',
      summary: 'Who the token belongs to and what it may do',
      rights: [],
      answer: record({ id: text, maintainer: text, lists: list(text), rights: list(right) }),
      problems: [],
      handle: async ({ actor: { id, name, lists, rights } }) => ok({ id, maintainer: name, lists, rights }),
    },
  ];
}
