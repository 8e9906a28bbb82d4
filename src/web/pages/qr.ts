/** QR codes as PNG in a `data:` address: no SVG, no request, and readable in both colour schemes on its own white. */

export async function qrPicture(text: string): Promise<string> {
  // Loaded with the first receipt: it takes 2 MB of a process that waits.
  const { toDataURL } = await import('qrcode');
  return toDataURL(text, { errorCorrectionLevel: 'M', margin: 3, scale: 4, type: 'image/png' });
}
