/** The long pages in Spanish. */
import type { LongTexts } from './catalogue.js';

export const longSpanish: LongTexts = {
  faq: {
    title: 'Preguntas y respuestas',
    lead: '{site} entrega una foto, un vídeo o una nota con un enlace que se destruye solo.',
    sections: [
      {
        heading: '¿Cómo funciona?',
        paragraphs: [
          'Usted elige un archivo y recibe un enlace y un código de borrado. Quien tenga el enlace ve el archivo hasta que acabe su plazo. Nadie necesita una cuenta, y las páginas no contienen JavaScript, así que funcionan en el navegador Tor con el nivel «El más seguro» (Safest).',
        ],
      },
      {
        heading: '¿Qué se quita de mis archivos?',
        paragraphs: [
          'Todo lo que no es la imagen: lugar, cámara, fechas, números de serie, nombres, miniaturas, comentarios, datos tras el final. Los píxeles quedan exactamente como están, y el recibo dice qué se quitó.',
          'Lo que se ve permanece: caras, carteles, reflejos. También las huellas que una cámara deja en los píxeles. La «limpieza a fondo» dibuja la imagen de nuevo: sirve contra lo oculto en sus datos, no contra lo visible.',
        ],
      },
      {
        heading: '¿Qué significa «tras verlo una vez»?',
        paragraphs: [
          'La primera persona que pulsa «Abrir» ve el contenido, y con eso el enlace deja de existir. Las vistas previas de los programas de chat no cuentan, porque solo el botón lo abre. Si la conexión falla en ese momento, el contenido se pierde antes que mostrarse dos veces: envíelo de nuevo.',
          'Nada impide a quien lo ve guardarlo o fotografiarlo. Comparta solo con personas en las que confíe hasta ese punto.',
        ],
      },
      {
        heading: '¿De verdad desaparece?',
        paragraphs: [
          'Cada envío tiene un secreto propio, sin el cual sus bytes son ruido. Cuando el envío termina, ese secreto se destruye, y alrededor de un minuto después ni siquiera alguien con nuestros discos, nuestras claves y su enlace puede leerlo. No hay papelera ni recuperación.',
        ],
      },
      {
        heading: 'Perdí el enlace o el código',
        paragraphs: [
          'No se guardan en ninguna parte, así que no podemos encontrarlos. Un envío cuyo código se perdió termina a su hora. Si debe desaparecer antes, escríbanos con su identificador (cp-…).',
        ],
      },
      {
        heading: '¿Qué archivos, y de qué tamaño?',
        paragraphs: [
          'JPG, PNG, GIF, WebP, MP4 con H.264 y texto sencillo. Varios archivos a la vez forman un solo enlace. Hasta {free} por archivo, con un código Pro hasta {pro}.',
        ],
      },
      {
        heading: '¿Qué es un código Pro?',
        paragraphs: [
          'Un código que sube el límite a {pro} por archivo y conserva los envíos hasta {days} días. No anotamos para qué envíos se usó un código. La página «Códigos Pro» (/pro) dice dónde conseguir uno.',
        ],
      },
      {
        heading: '¿Puedo usarlo desde una terminal?',
        paragraphs: [
          'Sí: curl -F file=@photo.jpg y la dirección de este sitio. La primera línea de la respuesta es el enlace. Los campos del formulario sirven de parámetros: expiry, views, passphrase, caption.',
        ],
      },
    ],
  },
  terms: {
    title: 'Condiciones de uso',
    lead: 'Al usar {site} acepta estas condiciones. Son breves; le rogamos que las lea.',
    sections: [
      {
        heading: 'Lo que no puede compartir',
        paragraphs: [
          'Contenido sexual con menores, en cualquier forma. Imágenes íntimas de personas que no dieron su consentimiento. Amenazas y llamadas a la violencia. Datos personales de otros para hacerles daño. Programas dañinos y fraude. Obras que no tiene derecho a difundir. Cualquier otra cosa que la ley prohíba.',
        ],
      },
      {
        heading: 'Lo que hacemos al respecto',
        paragraphs: [
          'Cada subida se comprueba automáticamente en nuestra máquina y se compara con listas de imágenes prohibidas conocidas; para ello no se envía nada a nadie. Lo que coincide se rechaza. Las subidas dudosas y todo lo que denuncian los visitantes lo mira una persona, que puede retirarlo e impedir que ese contenido vuelva.',
          'No podemos ver los envíos que no fueron ni señalados ni denunciados.',
        ],
      },
      {
        heading: 'Derechos de autor y otros derechos',
        paragraphs: ['Los titulares de derechos usan la solicitud de retirada. Respondemos en 48 horas.'],
      },
      {
        heading: 'Sin garantía',
        paragraphs: [
          'El servicio se ofrece tal cual. Puede estar lleno, lento o caído, y lo que se pierda no se puede recuperar. Guarde su propia copia de lo importante. No respondemos de lo que compartan los usuarios, hasta donde lo permita la ley.',
        ],
      },
      {
        heading: 'Códigos Pro',
        paragraphs: [
          'Un código vale por el tiempo por el que se vendió. Funciona para quien lo tenga, así que guárdelo para usted. Incumplir estas condiciones puede anularlo.',
        ],
      },
    ],
  },
  privacy: {
    title: 'Privacidad',
    lead: 'Qué ve este servidor, qué guarda y qué no puede prometer.',
    sections: [
      {
        heading: 'Lo que no guardamos',
        paragraphs: [
          'Ni direcciones, ni registros de acceso, ni cookies, ni cuentas. Ninguna página tiene scripts ni carga nada de otros sitios. Los enlaces, códigos de borrado, contraseñas, descripciones y nombres de archivo no se guardan en ninguna parte de forma legible.',
        ],
      },
      {
        heading: 'Lo que se guarda',
        paragraphs: [
          'Su contenido, cifrado con una clave hecha del enlace y de un secreto que pertenece solo a este envío. Sin el enlace no podemos abrirlo. Además: cuándo termina, su tamaño, las visualizaciones restantes, si se abrió, si tiene contraseña y su identificador.',
          'Cuando el envío termina, su secreto se destruye. Unos {seconds} segundos después nadie puede recuperarlo, en la medida en que el disco sobrescriba de verdad lo que se le ordena. De los contenidos vetados queda una huella, para que no vuelvan.',
        ],
      },
      {
        heading: 'Lo que un servidor no puede evitar ver',
        paragraphs: [
          'Las páginas sin scripts no pueden cifrar en su navegador. Mientras usted sube o alguien mira, el contenido pasa en claro por la memoria de este servidor; al disco llega solo cifrado. Quien controlara la máquina en ese momento, o hubiera cambiado el programa, podría leerlo, y pueden quedar rastros en la memoria durante un tiempo. Si eso es un peligro para usted, cifre el archivo antes de compartirlo.',
        ],
      },
      {
        heading: 'Cuándo puede mirar el equipo',
        paragraphs: [
          'Solo en un envío que señaló la comprobación automática o que alguien denunció. La clave de ese único envío se sella entonces para los moderadores, por 72 horas como mucho, salvo que una ley ordene otra cosa.',
        ],
      },
      { heading: 'Su conexión', paragraphs: ['{connection}'] },
      {
        heading: 'Lo que contamos',
        paragraphs: [
          'Denuncias, retiradas, subidas bloqueadas y peticiones de titulares de derechos y de autoridades, trimestre a trimestre, para el informe de transparencia. Ni visitas ni visitantes.',
        ],
      },
      {
        heading: 'Los mensajes que nos envía',
        paragraphs: [
          'Lo que escribe en las páginas de contacto, denuncia y retirada se sella para el equipo, y se borra a más tardar 90 días después de atenderlo.',
        ],
      },
    ],
  },
};
