export type ProgressState =
  | { readonly kind: 'waiting' | 'checking' | 'removing' | 'sealing' | 'done' | 'refused' | 'cut-off' }
  | {
      readonly kind: 'receiving';
      readonly received: number;
      readonly total: number | null;
      readonly bytesPerSecond: number | null;
    }
  | { readonly kind: 'too-large'; readonly limit: number };
