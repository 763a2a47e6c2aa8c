// The scenes' grid: the selection belongs to FilteredSceneList, which builds its menu of operations
// itself; a plugin sees the selection in the props of SceneList.

import React from "react";
import { Button, ButtonGroup, Dropdown } from "react-bootstrap";
import { patchableComponent } from "./patch";
import { SceneCard } from "./scene_card";
import { GQL } from "./stash";

const PER_PAGE = 20;

const SceneCardsGrid = patchableComponent(
  "SceneCardsGrid",
  ({ scenes, selectedIds, onSelectChange }) => (
    <div className="row justify-content-center">
      {scenes.map((scene) => (
        <SceneCard
          key={scene.id}
          scene={scene}
          selecting={selectedIds.size > 0}
          selected={selectedIds.has(scene.id)}
          onSelectedChanged={(selected, shiftKey) => onSelectChange(scene.id, selected, shiftKey)}
        />
      ))}
    </div>
  ),
);

const SceneList = patchableComponent("SceneList", (props) =>
  props.scenes.length ? <SceneCardsGrid {...props} /> : null,
);

function Operations({ hasSelection, onSelectAll, onSelectNone }) {
  return (
    <ButtonGroup className="list-operations">
      <Dropdown as={ButtonGroup}>
        <Dropdown.Toggle variant="secondary" id="more-menu">
          Operations
        </Dropdown.Toggle>
        <Dropdown.Menu className="bg-secondary text-white">
          <Dropdown.Item className="bg-secondary text-white" onClick={onSelectAll}>
            Select All
          </Dropdown.Item>
          {hasSelection && (
            <Dropdown.Item className="bg-secondary text-white" onClick={onSelectNone}>
              Select None
            </Dropdown.Item>
          )}
        </Dropdown.Menu>
      </Dropdown>
    </ButtonGroup>
  );
}

export const FilteredSceneList = patchableComponent("FilteredSceneList", () => {
  const [page, setPage] = React.useState(1);
  const [selectedIds, setSelectedIds] = React.useState(new Set());
  const filter = { page, per_page: PER_PAGE, sort: "id", direction: "ASC" };
  const { data } = GQL.useFindScenesQuery({ variables: { filter } });
  const found = data && data.findScenes;
  const scenes = (found && found.scenes) || [];
  const onSelectChange = (id, selected) => {
    const next = new Set(selectedIds);
    if (selected) next.add(id);
    else next.delete(id);
    setSelectedIds(next);
  };
  return (
    <div className="item-list-container scene-list">
      <div className="filtered-list-toolbar btn-toolbar">
        <Operations
          hasSelection={selectedIds.size > 0}
          onSelectAll={() => setSelectedIds(new Set(scenes.map((scene) => scene.id)))}
          onSelectNone={() => setSelectedIds(new Set())}
        />
        {found && found.count > page * PER_PAGE && (
          <Button variant="secondary" onClick={() => setPage(page + 1)}>
            Next
          </Button>
        )}
      </div>
      {found && (
        <SceneList
          filter={filter}
          scenes={scenes}
          selectedIds={selectedIds}
          onSelectChange={onSelectChange}
        />
      )}
    </div>
  );
});
