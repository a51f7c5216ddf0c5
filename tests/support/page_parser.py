"""Reads a page as a person would: its messages, its forms, the words around them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "link", "input", "br"}


@dataclass(slots=True)
class PageMessage:
    """One message on a page; `how` is ours, own or passing."""

    id: str
    author: str
    text: str = ""


@dataclass(slots=True)
class PageForm:
    """One form: where it goes, what it carries as it stands, what can be chosen, its buttons."""

    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    buttons: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class ParsedPage:
    """What stands on a page. `copies` is what can be copied, by the label that does it.

    `latest` and `asks` are the messages that are newest and that the buttons belong to.
    """

    title: str = ""
    heading: str = ""
    text: str = ""
    messages: list[PageMessage] = field(default_factory=list)
    forms: list[PageForm] = field(default_factory=list)
    copies: dict[str, str] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    latest: str = ""
    prompt_id: str = ""

    def form_with(self, button: str) -> PageForm:
        """Return the form that has a button; raise AssertionError when none has."""
        for form in self.forms:
            if button in form.buttons:
                return form
        raise AssertionError(f"no button {button!r} among {self.labels}")

    def submission_for(self, button: str) -> tuple[str, dict[str, str]]:
        """Return where pressing a button goes, and with what."""
        form = self.form_with(button)
        return form.action, {**form.fields, **form.buttons[button]}


class _PageParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = ParsedPage()
        self._form: PageForm | None = None
        self._open: list[tuple[str, dict[str, str]]] = []
        self._label = ""
        self._area = ""
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag not in _VOID:
            self._open.append((tag, told))
        match tag:
            case "div" if told.get("id", "").startswith("m-"):
                self.page.messages.append(PageMessage(told["id"], told["class"]))
            case "form":
                self._form = PageForm(told.get("method", "get"), told.get("action", ""))
                self.page.forms.append(self._form)
            case "input" if self._form and told.get("name"):
                self._add_input(self._form, told)
            case "select":
                self._select = told.get("name", "")
            case "option" if self._form and self._select:
                if self._select not in self._form.fields or "selected" in told:
                    self._form.fields[self._select] = told.get("value", "")
            case "textarea":
                self._area = told.get("name", "typed")
            case "button":
                self._label = ""
        if told.get("id") == "latest" and self.page.messages:
            self.page.latest = self.page.messages[-1].id

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            name, told = self._open.pop()
            if name == tag:
                break
        if tag == "button":
            self._end_button(told)
        elif tag == "form":
            self._form = None
        elif tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        inside = [tag for tag, _ in self._open]
        if not inside or inside[-1] in ("script", "style"):
            return
        self.page.text += data
        if "button" in inside:
            self._label += data
        if "title" in inside:
            self.page.title += data
        if "h1" in inside:
            self.page.heading += data
        if self._area and self._form:
            self._form.fields[self._area] = self._form.fields.get(self._area, "") + data
        if "bdi" in inside and any(of.get("id", "").startswith("m-") for _, of in self._open):
            self.page.messages[-1].text += data
        for tag, told in self._open:
            if tag == "a":
                self.page.links[data.strip()] = told.get("href", "")

    def _add_input(self, form: PageForm, told: dict[str, str]) -> None:
        name, value = told["name"], told.get("value", "")
        offered = told.get("type") in ("radio", "checkbox")
        if offered:
            form.choices.setdefault(name, []).append(value)
        if not offered or "checked" in told:
            form.fields[name] = value

    def _end_button(self, told: dict[str, str]) -> None:
        label = self._label.strip()
        if "data-copy" in told:
            self.page.copies[label] = told["data-copy"]
            self.page.labels.append(label)
        elif self._form is not None:
            own = {told["name"]: told.get("value", "")} if "name" in told else {}
            if "press" in own:
                self.page.prompt_id = f"m-{own['press'].split()[0]}"
            self._form.buttons[label] = own
            if self._form.action == "/chat" and "say" not in self._form.fields:
                self.page.labels.append(label)


def parse_page(html: str) -> ParsedPage:
    """Return what stands on a page."""
    reader = _PageParser()
    reader.feed(html)
    reader.close()
    return reader.page
