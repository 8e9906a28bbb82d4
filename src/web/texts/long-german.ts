/** The long pages in German. */
import type { LongTexts } from './catalogue.js';

export const longGerman: LongTexts = {
  faq: {
    title: 'Fragen und Antworten',
    lead: '{site} gibt ein Foto, ein Video oder eine Notiz mit einem Link weiter, der sich selbst zerstört.',
    sections: [
      {
        heading: 'Wie funktioniert es?',
        paragraphs: [
          'Sie wählen eine Datei und bekommen einen Link und einen Löschcode. Wer den Link hat, sieht die Datei, bis ihre Zeit um ist. Niemand braucht ein Konto, und die Seiten enthalten kein JavaScript; sie funktionieren daher auch im Tor Browser auf der Stufe „Am sichersten“ (Safest).',
        ],
      },
      {
        heading: 'Was wird aus meinen Dateien entfernt?',
        paragraphs: [
          'Alles, was nicht das Bild ist: Ort, Kamera, Zeiten, Seriennummern, Namen, Vorschaubilder, Kommentare, Daten nach dem Ende. Die Bildpunkte bleiben genau, wie sie sind, und die Quittung sagt, was entfernt wurde.',
          'Was man sieht, bleibt: Gesichter, Straßenschilder, Spiegelungen. Ebenso die Spuren, die eine Kamera in den Bildpunkten hinterlässt. „Gründlich reinigen“ erzeugt das Bild neu; das hilft gegen Verstecktes in den Daten, nicht gegen Sichtbares.',
        ],
      },
      {
        heading: 'Was heißt „nach einem Aufruf“?',
        paragraphs: [
          'Wer zuerst auf „Öffnen“ drückt, sieht den Inhalt, und mit diesem Druck ist der Link tot. Vorschauen von Chatprogrammen zählen nicht, denn nur der Knopf öffnet. Bricht die Verbindung in diesem Moment ab, geht der Inhalt eher verloren, als dass er zweimal gezeigt wird: Senden Sie ihn dann noch einmal.',
          'Nichts hindert jemanden daran, zu speichern oder abzufotografieren, was er sieht. Teilen Sie nur mit Menschen, denen Sie so weit vertrauen.',
        ],
      },
      {
        heading: 'Ist es danach wirklich weg?',
        paragraphs: [
          'Jede Freigabe hat ein eigenes Geheimnis, ohne das ihre Bytes nur Rauschen sind. Endet sie, wird dieses Geheimnis vernichtet, und etwa eine Minute später kann sie auch jemand mit unseren Festplatten, unseren Schlüsseln und Ihrem Link nicht mehr lesen. Es gibt keinen Papierkorb und keine Wiederherstellung.',
        ],
      },
      {
        heading: 'Ich habe den Link oder den Löschcode verloren',
        paragraphs: [
          'Beide sind nirgends gespeichert, wir können sie also nicht wiederfinden. Ohne Löschcode endet eine Freigabe zu ihrer Zeit. Muss sie früher weg, schreiben Sie uns mit ihrer Dateikennung (cp-…).',
        ],
      },
      {
        heading: 'Welche Dateien, und wie groß?',
        paragraphs: [
          'JPG, PNG, GIF, WebP, MP4 mit H.264 und reiner Text. Mehrere Dateien auf einmal werden ein Link. Bis {free} je Datei, mit einem Pro-Code bis {pro}.',
        ],
      },
      {
        heading: 'Was ist ein Pro-Code?',
        paragraphs: [
          'Ein Code, der die Grenze auf {pro} je Datei hebt und Freigaben bis zu {days} Tage leben lässt. Wir halten nicht fest, für welche Dateien ein Code benutzt wurde. Die Seite „Pro-Codes“ (/pro) sagt, wo es einen gibt.',
        ],
      },
      {
        heading: 'Geht es auch im Terminal?',
        paragraphs: [
          'Ja: curl -F file=@photo.jpg und die Adresse dieser Seite. Die erste Zeile der Antwort ist der Link. Die Felder des Formulars gehen als Parameter: expiry, views, passphrase, caption.',
        ],
      },
    ],
  },
  terms: {
    title: 'Nutzungsbedingungen',
    lead: 'Wer {site} nutzt, stimmt diesen Bedingungen zu. Sie sind kurz, bitte lesen Sie sie.',
    sections: [
      {
        heading: 'Was Sie nicht teilen dürfen',
        paragraphs: [
          'Sexuelle Inhalte mit Minderjährigen, in jeder Form. Intime Bilder von Menschen, die nicht eingewilligt haben. Drohungen und Aufrufe zu Gewalt. Persönliche Daten anderer, um ihnen zu schaden. Schadprogramme und Betrug. Werke, die Sie nicht weitergeben dürfen. Alles andere, was das Gesetz verbietet.',
        ],
      },
      {
        heading: 'Was wir dagegen tun',
        paragraphs: [
          'Alles Hochgeladene wird auf unserem Rechner automatisch geprüft und mit Listen bekannter verbotener Bilder verglichen; dafür wird nichts an andere gesendet. Treffer werden abgelehnt. Zweifelhaftes und alles, was gemeldet wird, sieht sich ein Mensch an. Er kann es entfernen und dafür sorgen, dass der Inhalt nicht wiederkommt.',
          'In Freigaben, die weder aufgefallen sind noch gemeldet wurden, können wir nicht hineinsehen.',
        ],
      },
      {
        heading: 'Urheberrecht und andere Rechte',
        paragraphs: ['Rechteinhaber nutzen den Löschantrag. Wir antworten innerhalb von 48 Stunden.'],
      },
      {
        heading: 'Keine Gewähr',
        paragraphs: [
          'Den Dienst gibt es, wie er ist. Er kann voll, langsam oder nicht erreichbar sein, und verlorene Inhalte lassen sich nicht zurückholen. Behalten Sie von Wichtigem eine eigene Kopie. Für das, was Nutzer teilen, haften wir nicht, soweit das Gesetz es zulässt.',
        ],
      },
      {
        heading: 'Pro-Codes',
        paragraphs: [
          'Ein Code gilt für die Zeit, für die er verkauft wurde. Er gilt für jeden, der ihn hat; behalten Sie ihn also für sich. Wer gegen diese Bedingungen verstößt, kann ihn verlieren.',
        ],
      },
    ],
  },
  privacy: {
    title: 'Datenschutz',
    lead: 'Was dieser Server sieht, was er behält und was er nicht versprechen kann.',
    sections: [
      {
        heading: 'Was wir nicht behalten',
        paragraphs: [
          'Keine Adresse, kein Zugriffsprotokoll, kein Cookie, kein Konto. Keine Seite enthält ein Skript oder lädt etwas von anderswo. Links, Löschcodes, Passwörter, Bildunterschriften und Dateinamen sind nirgends lesbar gespeichert.',
        ],
      },
      {
        heading: 'Was gespeichert wird',
        paragraphs: [
          'Ihr Inhalt, verschlüsselt mit einem Schlüssel aus dem Link und einem Geheimnis, das nur zu dieser Freigabe gehört. Ohne den Link können wir ihn nicht öffnen. Daneben: wann er endet, seine Größe, die übrigen Aufrufe, ob er geöffnet wurde, ob er ein Passwort hat, und seine Dateikennung.',
          'Endet die Freigabe, wird ihr Geheimnis vernichtet. Etwa {seconds} Sekunden später kann sie niemand zurückholen, soweit die Festplatte wirklich überschreibt, was sie überschreiben soll. Von gesperrten Inhalten bleibt ein Fingerabdruck, damit sie nicht wiederkommen.',
        ],
      },
      {
        heading: 'Was ein Server zwangsläufig sieht',
        paragraphs: [
          'Seiten ohne Skripte können nicht in Ihrem Browser verschlüsseln. Während Sie hochladen oder jemand ansieht, geht der Inhalt unverschlüsselt durch den Arbeitsspeicher dieses Servers; auf die Festplatte kommt er nur verschlüsselt. Wer in diesem Moment den Rechner beherrscht oder das Programm verändert hat, könnte mitlesen, und Spuren können eine Weile im Arbeitsspeicher bleiben. Ist das für Sie eine Gefahr, verschlüsseln Sie die Datei selbst, bevor Sie sie teilen.',
        ],
      },
      {
        heading: 'Wann Mitarbeiter hineinsehen können',
        paragraphs: [
          'Nur in eine Freigabe, die der automatischen Prüfung aufgefallen ist oder gemeldet wurde. Der Schlüssel zu dieser einen Freigabe wird dann für die Moderatoren versiegelt, für höchstens 72 Stunden, wenn nicht ein Gesetz anderes verlangt.',
        ],
      },
      { heading: 'Ihre Verbindung', paragraphs: ['{connection}'] },
      {
        heading: 'Was wir zählen',
        paragraphs: [
          'Meldungen, Löschungen, abgewiesene Dateien und Anfragen von Rechteinhabern und Behörden, Quartal für Quartal, für den Transparenzbericht. Keine Besuche und keine Besucher.',
        ],
      },
      {
        heading: 'Nachrichten an uns',
        paragraphs: [
          'Was Sie uns als Nachricht, Meldung oder Löschantrag schreiben, wird für die Mitarbeiter versiegelt und spätestens 90 Tage nach der Erledigung gelöscht.',
        ],
      },
    ],
  },
};
