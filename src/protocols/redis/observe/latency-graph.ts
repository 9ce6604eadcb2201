/** LATENCY GRAPH: samples as lines of text, drawn as redis draws them. */
import type { LatencyEvent } from "./latency-events.ts";

const columns = 80;
const rows = 4;
const fills = "_o#";
/** Empty lines between the graph and its labels. */
const labelMargin = 1;

interface Sample {
  readonly value: number;
  readonly label: string;
}

export function latencyGraph(name: string, { samples, max }: LatencyEvent, seconds: number): string {
  const drawn = samples.map(({ time, latency }): Sample => ({
    value: latency,
    label: ageText(seconds - time),
  }));
  const values = drawn.map(({ value }) => value);
  const high = Math.max(...values);
  const low = Math.min(...values);
  const title = `${name} - high ${high} ms, low ${low} ms (all time high ${max} ms)\n${"-".repeat(columns)}\n`;
  const parts: string[] = [];
  for (let at = 0; at < drawn.length; at += columns)
    parts.push(drawPart(drawn.slice(at, at + columns), low, high));
  return title + parts.join("\n");
}

function ageText(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

function drawPart(samples: readonly Sample[], low: number, high: number): string {
  const steps = fills.length * rows;
  const range = high - low || 1;
  const stepOf = ({ value }: Sample): number =>
    Math.min(Math.trunc(((value - low) * steps) / range), steps - 1);
  const lines: string[] = [];
  for (let row = 0; row < rows; row++) {
    const base = (rows - row - 1) * fills.length;
    lines.push(samples.map((sample) => fillOf(stepOf(sample) - base)).join(""));
  }
  for (let row = 0; row < labelMargin; row++) lines.push(" ".repeat(samples.length));
  const labelRows = Math.max(...samples.map(({ label }) => label.length));
  for (let row = 0; row < labelRows; row++)
    lines.push(samples.map(({ label }) => label[row] ?? " ").join(""));
  return lines.map((line) => `${line}\n`).join("");
}

function fillOf(step: number): string {
  if (step < 0) return " ";
  return fills[step] ?? "|";
}
