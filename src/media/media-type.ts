/** The media that can be shared, by the names that HTTP gives them. Always found from the bytes, never from a client's word. */
export type PictureType = 'image/jpeg' | 'image/png' | 'image/gif' | 'image/webp';
export type VideoType = 'video/mp4';
export type NoteType = 'text/plain';
/** Anything else, where an operator has switched that on: download only, metadata not removed. */
export type OtherType = 'application/octet-stream';
export type MediaType = PictureType | VideoType | NoteType | OtherType;

/** The usual ending of a file of this type, without a dot. */
export function extensionOf(type: MediaType): string {
  return EXTENSIONS[type];
}

const EXTENSIONS: Readonly<Record<MediaType, string>> = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'video/mp4': 'mp4',
  'text/plain': 'txt',
  'application/octet-stream': 'bin',
};

export function isPicture(type: MediaType): type is PictureType {
  return type.startsWith('image/');
}
