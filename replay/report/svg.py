"""svg: how does what the plotting library drew become a picture that is safe and plain anywhere, inside a page too?"""

from __future__ import annotations

import hashlib
import re

from lxml import etree

from replay.report.words import drawable

SVG, HREF = "http://www.w3.org/2000/svg", "{http://www.w3.org/1999/xlink}href"
FONTS = "'DejaVu Sans', Verdana, 'Noto Sans', Helvetica, Arial, sans-serif"
ROUND = {"stroke-linejoin": "round", "stroke-linecap": "butt", "font-family": FONTS, "role": "img"}
REFERENCE = re.compile(r"(?<=^#).+|(?<=url\(#)[^)]+")
DRAWN = frozenset(f"{{{SVG}}}{name}" for name in ("svg", "g", "defs", "path", "use", "text", "clipPath", "rect"))
PLACES = frozenset(("d", "x", "y", "width", "height", "viewBox", "transform", "clip-path"))
LINES = frozenset(f"stroke-{name}" for name in ("width", "opacity", "dasharray", "dashoffset", "linejoin", "linecap"))
LOOKS = LINES | {"stroke", "fill", "fill-opacity", "opacity", "font-size", "font-weight", "text-anchor"}
"""All that a picture is made of: whatever else were in it is not passed on."""


def accessible(drawn: bytes, title: str, description: str) -> bytes:
    """The same picture with a title and a description for screen readers, and nothing that a page would have to allow.

    Looks stand in attributes of their own, for which no style need be allowed. Ids are this picture's alone, so that
    many fit into one page: they begin with a hash of what it says.
    """
    # Ours, and still read as a stranger's.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    root = etree.fromstring(drawn, parser)
    for element in list(root.iter()):
        if element.tag in DRAWN:
            _plain_attributes(element)
        elif (parent := element.getparent()) is not None:
            parent.remove(element)
    own = "c" + hashlib.sha256(b"\0".join((drawn, title.encode(), description.encode()))).hexdigest()[:12]
    _rename(root, own)
    _introduce(root, own, drawable(title), description)
    return etree.tostring(root, encoding="utf-8")


def _plain_attributes(element: etree._Element) -> None:
    styled = (declared.partition(":") for declared in str(element.attrib.pop("style", "")).split(";"))
    for name in set(element.attrib) - PLACES - LOOKS - {"id", HREF}:
        del element.attrib[name]
    for name, _, value in styled:
        if name.strip() in LOOKS:
            element.set(name.strip(), value.strip())
    if not element.get(HREF, "#").startswith("#"):
        del element.attrib[HREF]


def _rename(root: etree._Element, own: str) -> None:
    """Ids that something refers to; the others go."""
    names: dict[str, str] = {}
    for element in root.iter():
        for attribute, value in element.attrib.items():
            if attribute == HREF or "url(" in str(value):
                new = REFERENCE.sub(lambda found: names.setdefault(found[0], f"{own}-{len(names)}"), str(value))
                element.set(attribute, new)
    for element in root.iter():
        old = str(element.attrib.pop("id", ""))
        if old in names:
            element.set("id", names[old])


def _introduce(root: etree._Element, own: str, title: str, description: str) -> None:
    for name, value in ROUND.items():
        root.set(name, value)
    root.set("aria-labelledby", f"{own}-title {own}-desc")
    for place, (name, text) in enumerate((("title", title), ("desc", description))):
        told = etree.Element(f"{{{SVG}}}{name}", id=f"{own}-{name}")
        told.text = text
        root.insert(place, told)
