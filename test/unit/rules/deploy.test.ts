/** What deploy/ says of metrics is true: every name in the alert rules and the dashboard is exported, with those labels. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry, collectDefaultMetrics } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { METRICS, type MetricDefinition } from '../../../src/telemetry/metric-definitions.ts';
import { PROJECT_ROOT } from '../../support/source-files.ts';

const deployed = (path: string): string => readFileSync(join(PROJECT_ROOT, 'deploy', path), 'utf8');

/** Added by Prometheus itself, or by a histogram. */
const SCRAPE_LABELS = ['instance', 'job'];
const SCRAPE_METRICS = ['up'];

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly action: string };
}

const alerts = parse(deployed('alerts.yml')) as { groups: { rules: Rule[] }[] };
const rules = alerts.groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(deployed('grafana/weir.json')) as {
  panels: { id: number; title: string; targets?: { expr: string; legendFormat: string }[] }[];
};
const targets = dashboard.panels.flatMap((panel) => panel.targets ?? []);

function metricsIn(expression: string): string[] {
  return [...expression.matchAll(/\b(weir_[a-z0-9_]+|process_[a-z_]+|nodejs_[a-z_]+)\b/g)].map(([name]) => name);
}

function definitionOf(name: string): MetricDefinition | undefined {
  const all: Readonly<Record<string, MetricDefinition>> = METRICS;
  const whole = all[name];
  if (whole !== undefined) return whole.type === 'histogram' ? undefined : whole;
  const base = all[name.replace(/_(bucket|sum|count)$/, '')];
  return base?.type === 'histogram' ? { ...base, labels: [...base.labels, 'le'] } : undefined;
}

/** Label names in selectors, `by` and `on`, and in what is shown. */
function labelsIn(text: string): string[] {
  const selected = [...text.matchAll(/\{([^}]*)\}/g)].flatMap(([, inner = '']) =>
    [...inner.matchAll(/([a-z_]+)\s*(?:=~|!=|=)/g)].map(([, label = '']) => label),
  );
  const grouped = [...text.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, inner = '']) => inner.split(/\s*,\s*/));
  const shown = [...text.matchAll(/\{\{\s*(?:\$labels\.)?([a-z_]+)\s*\}\}/g)].map(([, label = '']) => label);
  return [...selected, ...grouped, ...shown];
}

const defaults = new Registry();
collectDefaultMetrics({ register: defaults });
const DEFAULT_METRICS = new Set(defaults.getMetricsAsArray().map(({ name }) => name));

const expressions: [string, string][] = [
  ...rules.map(({ alert, expr, annotations }): [string, string] => [alert, `${expr} ${annotations.summary}`]),
  ...targets.map(({ expr, legendFormat }): [string, string] => [expr, `${expr} ${legendFormat}`]),
];

describe('the alert rules and the dashboard', () => {
  test('there are some of each', () => {
    expect(rules.length).toBeGreaterThan(10);
    expect(targets.length).toBeGreaterThan(20);
  });

  test.each(expressions)('%s: every metric is exported', (_, text) => {
    const unknown = metricsIn(text).filter((name) => definitionOf(name) === undefined && !DEFAULT_METRICS.has(name));
    expect(unknown).toEqual([]);
    expect(metricsIn(text).length + SCRAPE_METRICS.filter((name) => text.includes(name)).length).toBeGreaterThan(0);
  });

  test.each(expressions)('%s: every label is one of its metrics', (_, text) => {
    const known = metricsIn(text).flatMap((name) => definitionOf(name)?.labels ?? []);
    expect(labelsIn(text).filter((label) => !known.includes(label) && !SCRAPE_LABELS.includes(label))).toEqual([]);
  });

  test('every alert says how urgent it is and what to do', () => {
    for (const { labels, annotations } of rules) {
      expect(['page', 'ticket']).toContain(labels.severity);
      expect(annotations.action.length).toBeGreaterThan(20);
    }
  });

  test('every alert has a test', () => {
    const tested = parse(deployed('alerts.test.yml')) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[] }[];
    };
    const fires = tested.tests.flatMap(({ alert_rule_test: cases }) =>
      cases.filter(({ exp_alerts: expected = [] }) => expected.length > 0).map(({ alertname }) => alertname),
    );
    expect(rules.map(({ alert }) => alert).filter((alert) => !fires.includes(alert))).toEqual([]);
  });

  test('the unit for upgrades differs from the other in what an upgrade needs alone', () => {
    const linesOf = (unit: string): string[] =>
      deployed(unit)
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'));
    const [one, two] = [linesOf('weir.service'), linesOf('weir@.service')];
    expect(two.filter((line) => !one.includes(line))).toEqual([
      'Description=Weir (%i), a DNS resolver front-end that blocks fraud domains',
      'ExecStart=/usr/bin/weir serve --config /etc/weir/weir.yaml --take-over',
      'Restart=on-failure',
    ]);
    expect(one.filter((line) => !two.includes(line))).toHaveLength(3);
  });

  test('panels have numbers of their own', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
