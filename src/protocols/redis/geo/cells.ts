/**
 * Which cells of the grid a search looks at: the one of its middle and those around it, large enough that they cover its shape.
 *
 * As redis chooses them, since the order of cells is the order of what is found. Pure.
 */
import {
  type Area,
  areaOf,
  boundsAround,
  type Cell,
  cellOf,
  distanceOf,
  latitudeDistance,
  type Position,
  stepMax,
} from "./coordinates.ts";

/** In meters; a circle has a radius. */
export interface Shape {
  readonly middle: Position;
  readonly radius: number | null;
  readonly width: number;
  readonly height: number;
}

/** Half of the equator on a square map. */
const mercatorMax = 20037726.37;

/** The distance of a position, or null if it is outside. */
export function distanceWithin({ middle, radius, width, height }: Shape, position: Position): number | null {
  if (radius !== null) {
    const distance = distanceOf(middle, position);
    return distance > radius ? null : distance;
  }
  if (latitudeDistance(position.latitude, middle.latitude) > height / 2) return null;
  const sideways = distanceOf(position, { longitude: middle.longitude, latitude: position.latitude });
  return sideways > width / 2 ? null : distanceOf(middle, position);
}

/** The step at which a cell is about as large as the circle around the shape. */
function stepFor(meters: number, latitude: number): number {
  if (meters === 0) return stepMax;
  let step = 1;
  for (let range = meters; range < mercatorMax; range *= 2) step++;
  step -= 2;
  // Cells are narrower towards the poles.
  if (Math.abs(latitude) > 66) step--;
  if (Math.abs(latitude) > 80) step--;
  return Math.min(Math.max(step, 1), stepMax);
}

function beside({ column, row, step }: Cell, columns: number, rows: number): Cell {
  return { column: moved(column, columns, step), row: moved(row, rows, step), step };
}

/** Round the world. At its very edge a place is one beyond the last: it stays so, unless it is moved, as in redis. */
function moved(place: number, by: number, step: number): number {
  return by === 0 ? place : (place + by) & (2 ** step - 1);
}

/** In their order. A cell may come twice where the grid has few. */
export function cellsOf(shape: Shape): Cell[] {
  const { middle, radius, width, height } = shape;
  const bounds =
    radius === null ? boundsAround(middle, width / 2, height / 2) : boundsAround(middle, radius, radius);
  const reach = radius ?? Math.sqrt((width / 2) * (width / 2) + (height / 2) * (height / 2));
  let step = stepFor(reach, middle.latitude);
  let cell = cellOf(middle, step);
  if (step > 1 && !isCovered(cell, bounds)) {
    step--;
    cell = cellOf(middle, step);
  }
  return around(cell, bounds);
}

/** Whether the cell and those beside it reach as far as the bounds. */
function isCovered(cell: Cell, bounds: Area): boolean {
  return (
    areaOf(beside(cell, 0, 1)).north >= bounds.north &&
    areaOf(beside(cell, 0, -1)).south <= bounds.south &&
    areaOf(beside(cell, 1, 0)).east >= bounds.east &&
    areaOf(beside(cell, -1, 0)).west <= bounds.west
  );
}

function around(cell: Cell, bounds: Area): Cell[] {
  const area = areaOf(cell);
  // Where the grid is coarse all sides are looked at.
  const isCoarse = cell.step < 2;
  const needs = {
    north: isCoarse || area.north <= bounds.north,
    south: isCoarse || area.south >= bounds.south,
    east: isCoarse || area.east <= bounds.east,
    west: isCoarse || area.west >= bounds.west,
  };
  const cells = [cell];
  let last: Cell | null = null;
  const add = (isNeeded: boolean, columns: number, rows: number): void => {
    if (!isNeeded) return;
    const next = beside(cell, columns, rows);
    // The same as the one before, on a coarse grid: not compared with the middle.
    if (last !== null && last.column === next.column && last.row === next.row) return;
    cells.push(next);
    last = next;
  };
  const { north, south, east, west } = needs;
  add(north, 0, 1);
  add(south, 0, -1);
  add(east, 1, 0);
  add(west, -1, 0);
  add(north && east, 1, 1);
  add(north && west, -1, 1);
  add(south && east, 1, -1);
  add(south && west, -1, -1);
  return cells;
}
