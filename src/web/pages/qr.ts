/** QR codes as PNG in a `data:` address: no SVG, no request, and readable in both colour schemes on its own white. */
import { toDataURL } from 'qrcode';

export function qrPicture(text: string): Promise<string> {
  return toDataURL(text, { errorCorrectionLevel: 'M', margin: 3, scale: 4, type: 'image/png' });
}
