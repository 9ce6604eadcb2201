/** The demo's input: the 20,000 real flight records of the npm package vega-datasets, as JSON messages. */
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

interface FlightRecord {
  date: string;
  delay: number;
  distance: number;
  origin: string;
  destination: string;
}

export interface FlightMessage {
  readonly id: string;
  readonly routingKey: string;
  readonly body: string;
}

/** `rounds` times the first `records` flights; each message has an id of its own. */
export function* flightMessages(records: number, rounds: number): Generator<FlightMessage> {
  const flights = loadFlights().slice(0, records);
  for (let round = 0; round < rounds; round++) {
    for (const [index, flight] of flights.entries()) {
      const id = `${round}-${index}`;
      yield {
        id,
        routingKey: `${flight.origin}.${flight.destination}`,
        body: JSON.stringify({ id, ...flight }),
      };
    }
  }
}

function loadFlights(): FlightRecord[] {
  const entry = createRequire(import.meta.url).resolve("vega-datasets");
  const root = entry.slice(0, entry.lastIndexOf("vega-datasets") + "vega-datasets".length);
  return JSON.parse(fs.readFileSync(path.join(root, "data", "flights-20k.json"), "utf8")) as FlightRecord[];
}
