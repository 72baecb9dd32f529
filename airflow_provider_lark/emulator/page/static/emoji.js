// Lark's emojis that have a sign of their own in Unicode; others are shown by their names.

const SIGNS = `OK 👌 THUMBSUP 👍 ThumbsDown 👎 DONE ✅ CheckMark ✔️ CrossMark ❌ Yes ✅ No 🚫 HEART ❤️ HEARTBROKEN 💔 LOVE 😍
SMILE 🙂 LAUGH 😄 LOL 😂 JOYFUL 😄 WINK 😉 BLUSH 😊 CRY 😢 SOB 😭 TEARS 😂 ANGRY 😠 SCOWL 😠 FROWN ☹️ SHOCKED 😱 THINKING 🤔
CLAP 👏 APPLAUSE 👏 PRAISE 👍 MUSCLE 💪 FISTBUMP 👊 HIGHFIVE 🙌 SALUTE 🫡 SaluteFace 🫡 WAVE 👋 HUG 🤗 THANKS 🙏 ThanksFace 🙏
SHAKE 🤝 FINGERHEART 🫰 PARTY 🎉 Partying 🥳 FIREWORKS 🎆 FIRECRACKER 🧨 Fire 🔥 Hundred 💯 Trophy 🏆 GIFT 🎁 CAKE 🎂 BEER 🍺
Coffee ☕ ROSE 🌹 LGTM 👍 JIAYI ➕ MinusOne ➖ Get 🆗 OnIt 🫡 OneSecond ⏳ Typing ⌨️ Alarm ⏰ Loudspeaker 📢 Pin 📌 ERROR ⛔
BOMB 💣 SKULL 💀 POOP 💩 KISS 😘 SLEEP 😴 YAWN 🥱 SICK 🤒 SHY ☺️ SMART 🤓 SMIRK 😏 PROUD 😤 WOW 😮 YEAH ✌️ FACEPALM 🤦 Shrug 🤷
SWEAT 😅 ColdSweat 😰 DIZZY 😵 DROOL 🤤 MONEY 🤑 Music 🎵 Movie 🎬 TV 📺 Soccer ⚽ Basketball 🏀 XmasTree 🎄 Snowman ⛄ Pumpkin 🎃
Mooncake 🥮 REDPACKET 🧧 RAINBOWPUKE 🤮 PUKE 🤮 SHHH 🤫 SILENT 😶 EMBARRASSED 😳 CRAZY 🤪 TONGUE 😛 GLANCE 👀 YouAreTheBest 👍
STRIVE 💪 GoGoGo 🚀 HAMMER 🔨 HEADSET 🎧 Lemon 🍋 BubbleTea 🧋 Drumstick 🍗 BEAR 🐻 BULL 🐮 ClownFace 🤡 FullMoonFace 🌝`;

const words = SIGNS.split(/\s+/);
const known = new Map(words.flatMap((word, at) => (at % 2 ? [] : [[word, words[at + 1]]])));

/** The sign of an emoji_type; undefined where Unicode has none. */
export function emoji(name) {
  return known.get(name);
}
