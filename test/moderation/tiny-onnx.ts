/**
 * A classifier small enough to write by hand: the mean of each colour, a matrix, softmax. It calls red pictures explicit.
 * Encoded here as the ONNX protobuf (onnx.proto3, IR version 8, opset 13), field numbers as published.
 */
type Field = readonly [number: number, value: number | string | Buffer];

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, rest]);
}

/** A message of fields: numbers as varints, strings and messages with their length. */
function message(...fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([number, value]) => {
      if (typeof value === 'number') return [varint(number << 3), varint(value)];
      const bytes = Buffer.from(value as string);
      return [varint((number << 3) | 2), varint(bytes.length), bytes];
    }),
  );
}

const FLOAT = 1;

function tensor(name: string, dims: readonly number[], values: readonly number[]): Buffer {
  const raw = Buffer.from(Float32Array.from(values).buffer);
  return message(...dims.map((dim): Field => [1, dim]), [2, FLOAT], [8, name], [9, raw]);
}

function valueInfo(name: string, dims: readonly number[]): Buffer {
  const shape = message(...dims.map((dim): Field => [1, message([1, dim])]));
  return message([1, name], [2, message([1, message([1, FLOAT], [2, shape])])]);
}

function node(operator: string, inputs: readonly string[], output: string, attributes: readonly Buffer[] = []): Buffer {
  return message(
    ...inputs.map((input): Field => [1, input]),
    [2, output],
    [4, operator],
    ...attributes.map((attribute): Field => [5, attribute]),
  );
}

/** Two outputs, `plain` and `explicit`, from a picture of `side` in NCHW. `operator` replaces the last step. */
export function tinyModel(side: number, operator = 'Softmax'): Buffer {
  const graph = message(
    [1, node('GlobalAveragePool', ['input'], 'mean')],
    [1, node('Flatten', ['mean'], 'flat')],
    [1, node('Gemm', ['flat', 'weight', 'bias'], 'scores')],
    [1, node(operator, ['scores'], 'output')],
    [2, 'tiny'],
    // Rows are red, green, blue; columns plain, explicit: 10 for red, -10 for the others.
    [5, tensor('weight', [3, 2], [-10, 10, 10, -10, 10, -10])],
    [5, tensor('bias', [2], [0, 0])],
    [11, valueInfo('input', [1, 3, side, side])],
    [12, valueInfo('output', [1, 2])],
  );
  return message([1, 8], [2, 'chatpic tests'], [7, graph], [8, message([1, ''], [2, 13])]);
}
