"""A contract for import-linter: these modules import the standard library and themselves, nothing else."""

from __future__ import annotations

import sys
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class StandardLibraryOnly(Contract):
    """Configuration: `modules`, each with everything below it. Needs `include_external_packages = True`."""

    type_name = "standard_library_only"

    modules = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Kept when each import leads to the standard library or stays inside."""
        strays = []
        for package in cast(list[str], self.modules):
            for module in sorted({package, *graph.find_descendants(package)}):
                for imported in sorted(graph.find_modules_directly_imported_by(module)):
                    inside = imported == package or imported.startswith(f"{package}.")
                    if not inside and imported.partition(".")[0] not in sys.stdlib_module_names:
                        strays.append(f"{module} -> {imported}")
        return ContractCheck(kept=not strays, metadata={"strays": strays})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """One line for each import that strays."""
        for stray in check.metadata["strays"]:
            output.print_error(f"- {stray}")
