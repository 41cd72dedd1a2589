"""The wording of the sandbox's titles: real market names of weapons, finishes, hats and skins, as lists of words."""

from __future__ import annotations

__all__ = [
    "AGENTS",
    "CASES",
    "DOTA_HEROES",
    "DOTA_ITEMS",
    "DOTA_PREFIXES",
    "GLOVES",
    "KNIVES",
    "MUSIC",
    "PHASED",
    "RUST_ITEMS",
    "STICKERS",
    "TF2_HATS",
    "TF2_TIERS",
    "TF2_WEAPONS",
    "WEAPONS",
]


def _words(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\n", " ").split(";") if part.strip()]


WEAPONS = {
    "AK-47@rifle": _words(
        "Redline; Slate; Asiimov; Vulcan; Bloodsport; Ice Coaled; Elite Build; Frontside Misty; Point Disarray; Neon Rider; Phantom Disruptor;"
        "Legion of Anubis; Head Shot; Blue Laminate; Safari Mesh; Uncharted; Nightwish; Inheritance; Searing Rage; Steel Delta"
    ),
    "M4A4@rifle": _words(
        "Asiimov; Desolate Space; The Emperor; Neo-Noir; Evil Daimyo; Dragon King; Magnesium; Spider Lily; Cyber Security; Temukau; Radiation Hazard"
    ),
    "M4A1-S@rifle": _words(
        "Hyper Beast; Cyrex; Decimator; Guardian; Nightmare; Player Two; Printstream; Mecha Industries; Bright Water; Leaded Glass; Basilisk"
    ),
    "AWP@sniper rifle": _words(
        "Asiimov; Hyper Beast; Neo-Noir; Atheris; Worm God; Phobos; Corticera; Fever Dream; PAW; Chromatic Aberration; Wildfire; POP AWP; Mortis"
    ),
    "SSG 08@sniper rifle": _words("Dragonfire; Blood in the Water; Abyss; Ghost Crusader; Necropos; Parallax; Bloodshot; Fever Dream; Turbo Peek"),
    "FAMAS@rifle": _words("Roll Cage; Mecha Industries; Djinn; Valence; Pulse; Commemoration; Eye of Athena; Meltdown; Afterimage"),
    "Galil AR@rifle": _words("Eco; Chatterbox; Sugar Rush; Rocket Pop; Stone Cold; Chromatic Aberration; Signal; Connexion; Firefight"),
    "AUG@rifle": _words("Chameleon; Syd Mead; Bengal Tiger; Fleet Flock; Momentum; Stymphalian; Torque; Arctic Wolf"),
    "SG 553@rifle": _words("Cyrex; Pulse; Triarch; Phantom; Colony IV; Darkwing; Tiger Moth; Aerial"),
    "Desert Eagle@pistol": _words(
        "Kumicho Dragon; Conspiracy; Oxide Blaze; Mecha Industries; Code Red; Printstream; Trigger Discipline; Ocean Drive; Crimson Web; Directive"
    ),
    "USP-S@pistol": _words("Kill Confirmed; Cortex; Neo-Noir; Guardian; Cyrex; Blueprint; Ticket to Hell; The Traitor; Printstream; Monster Mashup; Torque"),
    "Glock-18@pistol": _words(
        "Water Elemental; Neo-Noir; Vogue; Wasteland Rebel; Bullet Queen; Off World; Weasel; Moonrise; Gold Toof; Dragon Tattoo; Snack Attack"
    ),
    "P250@pistol": _words("Asiimov; See Ya Later; Muertos; Mehndi; Visions; Undertow; Supernova; Cyber Shell; Valence; Sand Dune"),
    "Five-SeveN@pistol": _words("Monkey Business; Angry Mob; Triumvirate; Fairy Tale; Hyper Beast; Retrobution; Scrawl; Case Hardened"),
    "CZ75-Auto@pistol": _words("Victoria; Xiangliu; Yellow Jacket; Pole Position; Red Astor; Eco; Midnight Palm; Tigris"),
    "Tec-9@pistol": _words("Fuel Injector; Decimator; Remote Control; Bamboozle; Avalanche; Isaac; Brother; Re-Entry"),
    "Dual Berettas@pistol": _words("Cobra Strike; Melondrama; Dualing Dragons; Dezastre; Royal Consorts; Ventilators; Urban Shock"),
    "P2000@pistol": _words("Fire Elemental; Imperial Dragon; Corticera; Obsidian; Handgun; Woodsman; Acid Etched"),
    "R8 Revolver@pistol": _words("Fade; Llama Cannon; Skull Crusher; Reboot; Bone Mask; Banana Cannon; Crazy 8"),
    "MP7@smg": _words("Nemesis; Impire; Bloodsport; Powercore; Cirrus; Teal Blossom; Abyssal Apparition; Neon Ply; Whiteout"),
    "MP9@smg": _words("Hot Rod; Hypnotic; Airlock; Rose Iron; Starlight Protector; Food Chain; Goo; Mount Fuji"),
    "MAC-10@smg": _words("Neon Rider; Stalker; Disco Tech; Toybox; Heat; Pipe Down; Case Hardened; Saibā Oni; Sakkaku"),
    "MP5-SD@smg": _words("Phosphor; Agent; Liquidation; Kitbash; Condition Zero; Acid Wash; Desert Strike"),
    "UMP-45@smg": _words("Primal Saber; Momentum; Exposure; Wild Child; Plastique; Grand Prix; Moonrise; Arctic Wolf"),
    "P90@smg": _words("Asiimov; Shapewood; Trigon; Nostalgia; Death Grip; Vent Rush; Elite Build; Off World; Chopper; Cold Blooded"),
    "PP-Bizon@smg": _words("High Roller; Judgement of Anubis; Fuel Rod; Osiris; Embargo; Space Cat; Night Riot"),
    "Nova@shotgun": _words("Hyper Beast; Antique; Bloomstick; Koi; Toy Soldier; Wild Six; Clear Polymer; Predator"),
    "XM1014@shotgun": _words("Tranquility; Seasons; Incinegator; XOXO; Entombed; Ziggy; Oxide Blaze; Zombie Offensive"),
    "MAG-7@shotgun": _words("Justice; SWAG-7; Heat; Praetorian; Bulldozer; Monster Call; Petroglyph"),
    "Sawed-Off@shotgun": _words("The Kraken; Wasteland Princess; Devourer; Limelight; Apocalypto; Kiss♥Love; Analog Input"),
    "Negev@machinegun": _words("Power Loader; Lionfish; Mjölnir; Loudmouth; dev_texture; Bulkhead; Drop Me"),
    "M249@machinegun": _words("Nebula Crusader; Emerald Poison Dart; Spectre; Magma; Warbird; Downtown; Hypnosis"),
    "G3SG1@sniper rifle": _words("The Executioner; Flux; High Seas; Stinger; Scavenger; Black Sand; Digital Mesh"),
    "SCAR-20@sniper rifle": _words("Cardiac; Cyrex; Bloodsport; Enforcer; Emerald; Powercore; Torn; Fragments"),
}

KNIVES = _words(
    "Karambit; Bayonet; M9 Bayonet; Butterfly Knife; Flip Knife; Gut Knife; Huntsman Knife; Falchion Knife; Bowie Knife; Shadow Daggers; Ursus Knife;"
    "Navaja Knife; Stiletto Knife; Talon Knife; Classic Knife; Nomad Knife; Skeleton Knife; Survival Knife; Paracord Knife"
)

PHASED = {
    "knife": _words("Doppler; Gamma Doppler; Tiger Tooth; Marble Fade; Rust Coat; Ultraviolet; Damascus Steel; Crimson Web; Slaughter; Scorched; Forest DDPAT"),
    "phases": _words("Doppler; Gamma Doppler"),
}

GLOVES = [
    (glove, finish)
    for glove, finishes in {
        "Sport Gloves": "Amphibious; Omega; Bronze Morph; Big Game; Arid",
        "Driver Gloves": "King Snake; Imperial Plaid; Overtake; Racing Green; Black Tie",
        "Hand Wraps": "Cobalt Skulls; Duct Tape; Overprint; Leather; Desert Shamagh",
        "Moto Gloves": "Polygon; Boom!; Turtle; Cool Mint; 3rd Commando Company",
        "Specialist Gloves": "Fade; Mogul; Crimson Kimono; Buckshot; Lt. Commander",
    }.items()
    for finish in _words(finishes)
]

CASES = _words(
    "Fracture Case; Clutch Case; Snakebite Case; Recoil Case; Revolution Case; Kilowatt Case; Prisma 2 Case; Dreams & Nightmares Case; Danger Zone Case;"
    "Operation Broken Fang Case; Chroma 3 Case; Gamma Case; Spectrum 2 Case; Horizon Case; CS20 Case; Shattered Web Case; Falchion Case; Glove Case"
)

STICKERS = _words(
    "Sticker | Crown (Foil); Sticker | Natus Vincere (Holo) | Antwerp 2022; Sticker | s1mple (Gold) | Stockholm 2021; Sticker | FaZe Clan | Paris 2023;"
    "Sticker | Battle Scarred (Holo); Sticker | Boom; Sticker | Lambda (Holo); Sticker | 00 Nation | Rio 2022;"
    "Sticker | Ninjas in Pyjamas (Glitter) | Rio 2022;"
    "Sticker | Howling Dawn; Sticker | Dragon Lore (Foil); Sticker | Flammable (Foil);"
    "Sticker | zont1x (Holo) | Copenhagen 2024; Sticker | Complexity | Paris 2023;"
    "Patch | Howl; Charm | Lil' Ava; Charm | Die-cast AK; Sealed Graffiti | Heart (Shark White);"
    "Sticker | Vitality (Gold) | Austin 2025; Sticker | G2 / Lens Flare"
)

AGENTS = _words(
    "Sir Bloody Miami Darryl | The Professionals; Number K | The Professionals; Cmdr. Mae 'Dead Cold' Jamison | SWAT; Lt. Commander Ricksaw | NSWC SEAL;"
    "1st Lieutenant Farlow | SWAT; 3rd Commando Company | KSK; 'Two Times' McCoy | USAF TACP; The Elite Mr. Muhlik | Elite Crew; Special Agent Ava | FBI;"
    'Vypa Sista of the Revolution | Guerrilla Warfare; Rezan The Ready | Sabre; "Blueberries" Buckshot | NSWC SEAL;'
    "Michael Syfers | FBI Sniper; Slingshot | Phoenix"
)

MUSIC = _words(
    "Music Kit | Daniel Sadowski, Crimson Assault; StatTrak™ Music Kit | Skog, Metal; Music Kit | Feed Me, High Noon; Music Kit | Scarlxrd, King, Scar;"
    "Music Kit | The Verkkars, EZ4ENCE; StatTrak™ Music Kit | Austin Wintory, Bachram; Music Kit | AWOLNATION, I Am; Music Kit | Sean Murray, A*D*8"
)

DOTA_PREFIXES = ["", "Inscribed ", "Genuine ", "Corrupted ", "Exalted ", "Autographed ", "Frozen ", "Auspicious ", "Heroic ", "Infused "]

DOTA_HEROES = _words(
    "juggernaut; pudge; invoker; crystal maiden; phantom assassin; anti-mage; axe; legion commander; terrorblade; lina; drow ranger; sven; none"
)

DOTA_ITEMS = _words(
    "Dragonclaw Hook; Mace of Aeons; Magnificent Flame; Golden Staff of Perplex; Bow of the Lone Traveler; Emissary's Blade; Red General's Soul Splitter;"
    "Skirt of the Mage Slayer; Mancatcher of the Crimson Cut-throat; Avowance of the Crimson Witness; Almond the Frondillo Golden Upgrade; Manifold Paradox;"
    "Fractal Horns of Inner Abysm; Flutterstep of the Crimson Witness; Axia of Metira; Cannonroar Confessor;"
    "Disciple of the Wyrmwrought Flame; Fluttering Breeze;"
    "Golden Lamb to the Slaughter; Kantusa the Script Sword; Rainmaker; Hat of Fantoccini's Dilemma;"
    "Distinguished Forgemaster - Head; Bracers of Forlorn Precipice;"
    "Blade of the Voidhammer; Cauldron of Xahryx; Sylvan Cascade; Pipe of Dezun; Tail of the Crested Umbra; Arms of the Onyx Crucible; Staff of Gun-Yu;"
    "Swine of the Sunken Galley; Timebreaker; Genesis of the Feathered Swarm; Hellfire Horns; Fiery Soul of the Slayer;"
    "Great Sage's Reckoning; The Basher Blades;"
    "Blades of Voth Domosh; Shattered Greatsword; Pale Mausoleum; Immortals' Pride; Masks of Mischief; Demon Eater;"
    "Bindings of Deep Magma; Eye of the Weathered Storm;"
    "Legacy of the Awakened / Offhand; Wings of Imperius; Scythe of Vyse's Heir; Atrophic Skitterwing; Abyssal Scourge;"
    "Tentacular Timelord; Compass of the Rising Gale;"
    "Empyrean; Jewel of the Forest; Lifestealer's Bonehunter; Molten Claw; Reef's Edge; Solar Forge; The Rat King; Feast of Abscession; Bloodfeather Wings;"
    "Gaze of Scree'Auk; Helm of the Gemmed Armor; Loaded Prospects; Relentless Warbringer; Order of the Silvered Talon; Spoils from the Shifting Sorcerer"
)

TF2_TIERS = ["", "Strange ", "Killstreak ", "Specialized Killstreak ", "Professional Killstreak ", "Strange Professional Killstreak ", "Strange Australium "]

TF2_WEAPONS = _words(
    "Rocket Launcher; Scattergun; Medi Gun; Minigun; Knife; Sniper Rifle; Flame Thrower; Grenade Launcher; Stickybomb Launcher; Eyelander; Force-A-Nature;"
    "Ambassador; Axtinguisher; Black Box; Blutsauger; Frontier Justice; Tomislav; Kukri; Ubersaw; Wrench; SMG; Huntsman; Crusader's Crossbow; Loch-n-Load;"
    "Conniver's Kunai; Degreaser; Escape Plan; Gunslinger; Holy Mackerel; Market Gardener; Shortstop; Your Eternal Reward"
)

TF2_HATS = _words(
    "Batsaber; Burly Beast; Combustible Cutie; Gentle Manne's Service Medal; Potassium Bonnet; Catastrophic Companions; Bruce's Bonnet; Doc's Holiday;"
    "Sprinting Cephalopod; C.A.P.P.E.R; The Team Captain; Bill's Hat; Max's Severed Head; The Brotherhood of Arms;"
    "Killer Exclusive; Noh Mercy; Le Party Phantom;"
    "Towering Pillar of Hats; Brigade Helm; Dr. Whoa; Foppish Physician; Hong Kong Cone; Liquidator's Lid;"
    "Modest Pile of Hat; Nasty Norsemun; Pyromancer's Mask;"
    'Rusty Reaper; Starlight Serenity; Steel Shako; Taunt: The Schadenfreude; Ye Oiled Baker Boy; "Polter-Guised" Ubersaw; Cosa Nostra Cap; Earbuds'
)

RUST_ITEMS = {
    "AK47@weapon": _words(
        "Alien Red *; Tempered *; Glory *; * Victoria; Deadlight *; Digital Camo *; Rustafied *; Fire *; Neon *; Royal *; Punk *; * from Hell; Dragon *"
    ),
    "MP5@weapon": _words("Tempered *; Military Camo *; Neo *; Blackout *; Alien Relic *; Frost *; Toxic *; Carbon *; Sunset *; Gold Trim *; Doodle *"),
    "Metal Facemask@armor": _words(
        "Tempered *; Glowing Skull *; Punishment *; Legendary Gold *; Desert Raiders *; Big Grin; Ghost *; Oni *; Creature *; Bandit *; Bunny *"
    ),
    "Metal Chestplate@armor": _words(
        "Tempered *; Plate Carrier - Black; Plate Carrier - Green; No Mercy *; Glory *; Alien Red *; Raider *; Anubis *; Arctic *; Loot Leader *"
    ),
    "Roadsign Pants@armor": _words(
        "Forest Raiders *; Desert Raiders *; Arctic *; Rebel *; Space Raider's *; Whiteout *; Blackout *; Nomad *; Trash *; Tiger *"
    ),
    "Garage Door@door": _words(
        "Neon Dragon *; Looter's *; Palm Tree *; Anime *; Casino *; Fish Tank *; Comics *; 'Keep Out' *; Cat/Dog *; Wolf *; Skull King *; Money *"
    ),
    "Armored Door@door": _words("Incarceration *; Frostbite; Christmas Tree Door; Vault *; Loot Cave *; Nuclear *; Temple *; Bunker *; Alien *; Prison *"),
    "Hoodie@clothing": _words(
        "Horror *; Blackout *; Whiteout *; Dark Wraith *; Fire *; Rhinocrunch *; Cloth & Ash *; Forest Camo *; Skeleton *; Astronaut's *; Rainbow *"
    ),
    "Bandana@clothing": _words("Creepy Clown *; Snow Camo *; Skull *; Checkered *; Desert Camo *; Wizard *; Red *; Urban Camo *; Forest Camo *"),
    "Longsword@weapon": _words("Hot-tempered *; Frozen *; King's *; Pirate *; Halloween Bat; Freshly Dug Grave; Cursed *; Candy *; Bone *"),
    "Sleeping Bag@misc": _words("Crime Bag; Horror Bag; Camo Netting; Ducky *; Burger *; Pizza *; Shark *; Moon *; Cardboard *; Ghillie *"),
    "SAP@weapon": _words(
        "Direct Threat *; Reaper Note *; Tiger Crown *; Toy *; Banana Eoka; After Death AR; Christmas Lights; Hunter *; Bombshell *; Canvas *"
    ),
}
