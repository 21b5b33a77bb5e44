from dataclasses import dataclass
from pathlib import Path
@dataclass(frozen=True)
class PageContent:
    title: str; summary: str; clips: tuple; strips: tuple; tables: tuple; stats: object; previews: tuple; next_steps: tuple; facts: tuple
def write_page(folder, content):
    (folder/'index.html').write_text('stub'); return folder/'index.html'
