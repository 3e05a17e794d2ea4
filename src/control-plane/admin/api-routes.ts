/** Every route under /v1, in the order of the description. A new resource is a file and a line here. */
import type { ApiRoute } from './api-route.ts';
import type { ApiServices } from './api-services.ts';
import { appealRoutes } from './appeals.ts';
import { auditRoutes } from './audit.ts';
import { changeRoutes } from './changes.ts';
import { exceptionRoutes } from './exceptions.ts';
import { explainRoutes } from './explain.ts';
import { feedRoutes } from './feed-routes.ts';
import { holdRoutes } from './holds.ts';
import { listRoutes } from './lists.ts';
import { openApiRoute } from './openapi.ts';
import { rollbackRoutes } from './rollback.ts';
import { rolloutRoutes } from './rollouts.ts';
import { tokenRoutes } from './token.ts';

export function apiRoutes(services: ApiServices, version: string): ApiRoute[] {
  const routes = [
    ...listRoutes(services),
    ...changeRoutes(services),
    ...rollbackRoutes(services),
    ...explainRoutes(services),
    ...holdRoutes(services),
    ...rolloutRoutes(services),
    ...appealRoutes(services),
    ...exceptionRoutes(services),
    ...auditRoutes(services),
    ...feedRoutes(services.feeds),
    ...tokenRoutes(),
  ];
  return [...routes, openApiRoute(routes, version)];
}
