/** The long pages in French. */
import type { LongTexts } from './catalogue.js';

export const longFrench: LongTexts = {
  faq: {
    title: 'Questions et réponses',
    lead: '{site} transmet une photo, une vidéo ou une note par un lien qui se détruit tout seul.',
    sections: [
      {
        heading: 'Comment ça marche ?',
        paragraphs: [
          'Vous choisissez un fichier, vous recevez un lien et un code de suppression. Quiconque a le lien voit le fichier jusqu’à son échéance. Personne n’a besoin de compte, et les pages ne contiennent pas de JavaScript : elles fonctionnent donc dans le navigateur Tor au niveau « Le plus sûr » (Safest).',
        ],
      },
      {
        heading: 'Qu’est-ce qui est retiré de mes fichiers ?',
        paragraphs: [
          'Tout ce qui n’est pas l’image : lieu, appareil photo, dates, numéros de série, noms, vignettes, commentaires, données après la fin. Les pixels restent exactement tels quels, et le reçu dit ce qui a été retiré.',
          'Ce qui se voit reste : visages, panneaux, reflets. Les traces que l’appareil laisse dans les pixels aussi. Le « nettoyage en profondeur » redessine l’image : cela agit contre ce qui est caché dans ses données, pas contre ce qui se voit.',
        ],
      },
      {
        heading: 'Que veut dire « après une consultation » ?',
        paragraphs: [
          'La première personne qui appuie sur « Ouvrir » voit le contenu, et le lien est aussitôt mort. Les aperçus des messageries ne comptent pas, car seul le bouton ouvre. Si la connexion se coupe à ce moment-là, le contenu est perdu plutôt que montré deux fois : envoyez-le à nouveau.',
          'Rien n’empêche le destinataire d’enregistrer ou de photographier ce qu’il voit. Ne partagez qu’avec des personnes à qui vous faites confiance à ce point.',
        ],
      },
      {
        heading: 'Est-ce vraiment détruit ensuite ?',
        paragraphs: [
          'Chaque partage a son propre secret, sans lequel ses octets ne sont que du bruit. Quand le partage prend fin, ce secret est détruit et, une minute plus tard environ, même quelqu’un qui aurait nos disques, nos clés et votre lien ne pourrait pas le lire. Il n’y a ni corbeille ni restauration.',
        ],
      },
      {
        heading: 'J’ai perdu le lien ou le code',
        paragraphs: [
          'Ils ne sont conservés nulle part, nous ne pouvons donc pas les retrouver. Sans son code, un partage prend fin à son échéance. S’il doit disparaître plus tôt, écrivez-nous avec son identifiant (cp-…).',
        ],
      },
      {
        heading: 'Quels fichiers, et de quelle taille ?',
        paragraphs: [
          'JPG, PNG, GIF, WebP, MP4 en H.264 et texte simple. Plusieurs fichiers à la fois font un seul lien. Jusqu’à {free} par fichier, avec un code Pro jusqu’à {pro}.',
        ],
      },
      {
        heading: 'Qu’est-ce qu’un code Pro ?',
        paragraphs: [
          'Un code qui porte la limite à {pro} par fichier et garde les partages jusqu’à {days} jours. Nous ne notons pas pour quels envois un code a servi. La page « Codes Pro » (/pro) dit où en obtenir un.',
        ],
      },
      {
        heading: 'Puis-je l’utiliser depuis un terminal ?',
        paragraphs: [
          'Oui : curl -F file=@photo.jpg et l’adresse de ce site. La première ligne de la réponse est le lien. Les champs du formulaire servent de paramètres : expiry, views, passphrase, caption.',
        ],
      },
    ],
  },
  terms: {
    title: 'Conditions d’utilisation',
    lead: 'En utilisant {site}, vous acceptez ces conditions. Elles sont courtes, merci de les lire.',
    sections: [
      {
        heading: 'Ce que vous ne pouvez pas partager',
        paragraphs: [
          'Les contenus sexuels avec des mineurs, sous toute forme. Les images intimes de personnes qui n’y ont pas consenti. Les menaces et les appels à la violence. Les données personnelles d’autrui, pour lui nuire. Les logiciels malveillants et la fraude. Les œuvres que vous n’avez pas le droit de diffuser. Tout ce que la loi interdit par ailleurs.',
        ],
      },
      {
        heading: 'Ce que nous faisons',
        paragraphs: [
          'Chaque envoi est contrôlé automatiquement sur notre machine et comparé à des listes d’images interdites connues ; rien n’est transmis à qui que ce soit pour cela. Ce qui y figure est refusé. Les envois douteux et tout ce que les visiteurs signalent sont examinés par une personne, qui peut les retirer et empêcher que ce contenu revienne.',
          'Nous ne pouvons pas regarder les partages qui n’ont été ni repérés ni signalés.',
        ],
      },
      {
        heading: 'Droit d’auteur et autres droits',
        paragraphs: ['Les ayants droit utilisent la demande de retrait. Nous répondons en 48 heures.'],
      },
      {
        heading: 'Aucune garantie',
        paragraphs: [
          'Le service est fourni tel quel. Il peut être plein, lent ou indisponible, et un contenu perdu ne peut pas être retrouvé. Gardez votre propre copie de ce qui compte. Dans les limites de la loi, nous ne sommes pas responsables de ce que les utilisateurs partagent.',
        ],
      },
      {
        heading: 'Codes Pro',
        paragraphs: [
          'Un code est valable pour la durée vendue. Il fonctionne pour quiconque le détient : gardez-le pour vous. Ne pas respecter ces conditions peut y mettre fin.',
        ],
      },
    ],
  },
  privacy: {
    title: 'Vie privée',
    lead: 'Ce que ce serveur voit, ce qu’il garde et ce qu’il ne peut pas promettre.',
    sections: [
      {
        heading: 'Ce que nous ne gardons pas',
        paragraphs: [
          'Ni adresse, ni journal d’accès, ni cookie, ni compte. Aucune page ne contient de script ni ne charge quoi que ce soit d’ailleurs. Les liens, codes de suppression, phrases secrètes, légendes et noms de fichiers ne sont conservés nulle part sous une forme lisible.',
        ],
      },
      {
        heading: 'Ce qui est conservé',
        paragraphs: [
          'Votre contenu, chiffré avec une clé tirée du lien et d’un secret propre à ce partage. Sans le lien, nous ne pouvons pas l’ouvrir. À côté : son échéance, sa taille, les consultations restantes, s’il a été ouvert, s’il a une phrase secrète, et son identifiant.',
          'Quand le partage prend fin, son secret est détruit. Environ {seconds} secondes plus tard, personne ne peut le faire revenir, pour autant que le disque écrase vraiment ce qu’on lui dit d’écraser. D’un contenu banni, il reste une empreinte, pour qu’il ne revienne pas.',
        ],
      },
      {
        heading: 'Ce qu’un serveur voit forcément',
        paragraphs: [
          'Des pages sans script ne peuvent pas chiffrer dans votre navigateur. Pendant que vous envoyez, ou que quelqu’un regarde, le contenu passe en clair par la mémoire de ce serveur ; il n’atteint le disque que chiffré. Quiconque contrôlerait la machine à ce moment, ou aurait modifié le programme, pourrait lire, et des traces peuvent rester un temps en mémoire. Si c’est un danger pour vous, chiffrez le fichier vous-même avant de le partager.',
        ],
      },
      {
        heading: 'Quand l’équipe peut regarder',
        paragraphs: [
          'Seulement dans un partage repéré par le contrôle automatique ou signalé. La clé de ce seul partage est alors scellée pour les modérateurs, pour 72 heures au plus, sauf si une loi en ordonne autrement.',
        ],
      },
      { heading: 'Votre connexion', paragraphs: ['{connection}'] },
      {
        heading: 'Ce que nous comptons',
        paragraphs: [
          'Les signalements, les retraits, les envois bloqués et les demandes d’ayants droit et d’autorités, trimestre par trimestre, pour le rapport de transparence. Ni visites, ni visiteurs.',
        ],
      },
      {
        heading: 'Vos messages',
        paragraphs: [
          'Ce que vous écrivez sur les pages de contact, de signalement et de retrait est scellé pour l’équipe, et effacé au plus tard 90 jours après avoir été traité.',
        ],
      },
    ],
  },
};
