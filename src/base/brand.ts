/** A nominal type over a structural one: minted in one place by a parser or a maker, demanded everywhere else. */
declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
