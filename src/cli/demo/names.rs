//! Names for the people, companies and products of the sample organisation. Nobody real is meant.

/// Given names.
pub(super) const GIVEN: &[&str] = &[
    "Anna", "Ben", "Carla", "David", "Elif", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Klara", "Liam",
    "Mei", "Noah", "Olga", "Paul", "Rosa", "Samir", "Tara", "Umar", "Vera", "Wei", "Yara",
];

/// Family names; their number has no divisor in common with that of the given ones, so that pairs repeat late.
pub(super) const FAMILY: &[&str] = &[
    "Abel",
    "Brandt",
    "Costa",
    "Dahl",
    "Engel",
    "Ferrari",
    "Garcia",
    "Haas",
    "Ivanova",
    "Jansen",
    "Keller",
    "Lindqvist",
    "Moreau",
    "Novak",
    "Okafor",
    "Petit",
    "Rossi",
    "Schulz",
    "Tanaka",
    "Vogel",
];

/// First words of companies.
pub(super) const COMPANY: &[&str] = &[
    "Alder", "Birch", "Cedar", "Dune", "Ember", "Fjord", "Glade", "Harbor", "Indigo", "Juniper", "Kestrel",
    "Lumen", "Meridian", "Nimbus", "Orchard", "Pinnacle", "Quarry", "Ridge", "Summit", "Tundra",
];

/// Last words of companies, and the sector that they tell.
pub(super) const BUSINESS: &[(&str, &str)] = &[
    ("Logistics", "transport"),
    ("Foods", "retail"),
    ("Clinics", "medical"),
    ("Software", "software"),
    ("Machinery", "industry"),
    ("Energy", "energy"),
    ("Textiles", "retail"),
    ("Pharma", "medical"),
    ("Media", "media"),
    ("Telecom", "telecommunications"),
    ("Insurance", "finance"),
    ("Bank", "finance"),
    ("Chemicals", "industry"),
    ("Airways", "transport"),
    ("Markets", "retail"),
    ("Systems", "software"),
    ("Motors", "industry"),
    ("Care", "medical"),
    ("Networks", "telecommunications"),
    ("Capital", "finance"),
    ("Studios", "media"),
];

/// Products: name, family and list price in whole units of money.
pub(super) const PRODUCTS: &[(&str, &str, i64)] = &[
    ("Atlas Basic", "Atlas", 900),
    ("Atlas Plus", "Atlas", 2_400),
    ("Atlas Pro", "Atlas", 5_200),
    ("Beacon", "Beacon", 7_500),
    ("Beacon Enterprise", "Beacon", 18_000),
    ("Compass", "Compass", 3_300),
    ("Compass Fleet", "Compass", 11_000),
    ("Delta Service", "Services", 1_500),
];

/// Regions, and the places in them.
pub(super) const REGIONS: &[(&str, &[&str])] = &[
    ("North", &["Hamburg", "Oslo"]),
    ("South", &["Milan", "Lisbon"]),
    ("East", &["Vienna", "Warsaw"]),
    ("West", &["Lyon", "Antwerp"]),
];
