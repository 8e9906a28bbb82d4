/** The long pages in English. Short, and true for what the program does: change them together with the program. */
import type { LongTexts } from './catalogue.js';

export const longEnglish: LongTexts = {
  faq: {
    title: 'Questions and answers',
    lead: '{site} passes on a photo, a video or a note with a link that destroys itself.',
    sections: [
      {
        heading: 'How does it work?',
        paragraphs: [
          'You choose a file, you get a link and a deletion token. Whoever has the link sees the file until its time is up. Nobody needs an account, and the pages contain no JavaScript, so they work in Tor Browser at the level “Safest”.',
        ],
      },
      {
        heading: 'What is removed from my files?',
        paragraphs: [
          'Everything that isn’t the picture: location, camera, times, serial numbers, names, thumbnails, comments, data after the end. The pixels stay exactly as they are, and the receipt says what was removed.',
          'What can be seen stays: faces, street signs, reflections. So do the traces that a camera leaves in the pixels. “Hard scrub” draws the picture anew, against what is hidden in its data, not against what is visible.',
        ],
      },
      {
        heading: 'What does “after one view” mean?',
        paragraphs: [
          'The first person to press “Open it” sees the content, and with that press the link is dead. Previews that chat programs make don’t count, because only the button opens it. If the connection fails in that moment, the content is lost rather than shown twice: send it again.',
          'Nothing keeps a reader from saving or photographing what they see. Share only with people you trust that far.',
        ],
      },
      {
        heading: 'Is it really gone afterwards?',
        paragraphs: [
          'Each share has a secret of its own, without which its bytes are noise. When the share ends, that secret is destroyed, and about a minute later even somebody with our disks, our keys and your link can’t read it. There is no bin and no restore.',
        ],
      },
      {
        heading: 'I lost the link or the token',
        paragraphs: [
          'Both are stored nowhere, so we can’t find them again. A share whose token is lost ends at its time. If it must go sooner, write to us with its file ID (cp-…).',
        ],
      },
      {
        heading: 'Which files, and how large?',
        paragraphs: [
          'JPG, PNG, GIF, WebP, MP4 with H.264, and plain text. Several files at once become one link. Up to {free} a file, with a Pro code up to {pro}.',
        ],
      },
      {
        heading: 'What is a Pro code?',
        paragraphs: [
          'A code that raises the limit to {pro} a file and keeps shares longer, for $4.99 a month. We don’t record which uploads a code was used for. Ask for one through the contact page.',
        ],
      },
      {
        heading: 'Can I use it from a terminal?',
        paragraphs: [
          'Yes: curl -F file=@photo.jpg and the address of this site. The first line of the answer is the link. The form’s fields work as parameters: expiry, views, passphrase, caption.',
        ],
      },
    ],
  },
  terms: {
    title: 'Terms of use',
    lead: 'By using {site} you agree to these terms. They are short, so please read them.',
    sections: [
      {
        heading: 'What you may not share',
        paragraphs: [
          'Sexual content with minors, in any form. Intimate pictures of people who did not consent. Threats, and calls to violence. Other people’s personal data meant to harm them. Malware and fraud. Works that you have no right to pass on. Anything else that the law forbids.',
        ],
      },
      {
        heading: 'What we do about it',
        paragraphs: [
          'Every upload is checked automatically on our machine and compared with lists of known prohibited pictures; nothing is sent to anybody for that. Matches are refused. Doubtful uploads and everything that visitors report are looked at by a person, who may remove it and ban the content from coming back.',
          'We can’t look into shares that were neither flagged nor reported.',
        ],
      },
      {
        heading: 'Copyright and other rights',
        paragraphs: ['Rights holders use the takedown page. We answer within 48 hours.'],
      },
      {
        heading: 'No warranty',
        paragraphs: [
          'The service comes as it is. It may be full, slow or down, and content that was lost can’t be brought back. Keep your own copy of what matters. We are not liable for what users share, as far as the law allows.',
        ],
      },
      {
        heading: 'Pro codes',
        paragraphs: [
          'A code is valid for the time it was sold for. It works for whoever holds it, so keep it to yourself. Breaking these terms may end it.',
        ],
      },
    ],
  },
  privacy: {
    title: 'Privacy',
    lead: 'What this server sees, what it keeps, and what it can’t promise.',
    sections: [
      {
        heading: 'What we don’t keep',
        paragraphs: [
          'No address, no access log, no cookie, no account. No page has a script or loads anything from elsewhere. Links, deletion tokens, passphrases, captions and file names are stored nowhere in readable form.',
        ],
      },
      {
        heading: 'What is stored',
        paragraphs: [
          'Your content, encrypted with a key made from the link and from a secret that belongs to this share alone. Without the link we can’t open it. Beside it: when it ends, its size, the views left, whether it was opened, whether it has a passphrase, and its file ID.',
          'When the share ends, its secret is destroyed. About {seconds} seconds later nobody can bring it back, as far as the disk truly overwrites what it is told to. Of content that was banned a fingerprint stays, so that it can’t come back.',
        ],
      },
      {
        heading: 'What a server can’t help seeing',
        paragraphs: [
          'Pages without scripts can’t encrypt in your browser. While you upload, or somebody looks, the content passes through this server’s memory in the clear; it reaches the disk only encrypted. Whoever controlled the machine at that moment, or had changed the program, could read along, and traces may stay in memory for a while. If that is a danger for you, encrypt the file yourself before you share it.',
        ],
      },
      {
        heading: 'When staff can look',
        paragraphs: [
          'Only into a share that the automatic check flagged or that somebody reported. The key to that one share is then sealed to the moderators, for at most 72 hours unless a law orders otherwise.',
        ],
      },
      { heading: 'Your connection', paragraphs: ['{connection}'] },
      {
        heading: 'What we count',
        paragraphs: [
          'Reports, removals, blocked uploads and requests by rights holders and authorities, quarter by quarter, for the transparency report. No visits and no visitors.',
        ],
      },
      {
        heading: 'Messages to us',
        paragraphs: [
          'What you write on the contact, report and takedown pages is sealed to the staff, and deleted at the latest 90 days after it was dealt with.',
        ],
      },
    ],
  },
};
