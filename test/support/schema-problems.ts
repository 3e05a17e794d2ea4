/** Holds a value against a JSON Schema with the validator that the server uses: as the body of a request. */
import { fastify } from 'fastify';
import type { JsonSchema } from '../../src/control-plane/admin/api-route.ts';

/** 'valid', or what is wrong. */
export async function schemaProblems(schema: JsonSchema, value: unknown): Promise<string> {
  const server = fastify({ ajv: { customOptions: { removeAdditional: false, coerceTypes: false } } });
  server.post('/', { schema: { body: schema } }, async () => 'valid');
  const response = await server.inject({
    method: 'POST',
    url: '/',
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify(value),
  });
  await server.close();
  return response.body;
}
