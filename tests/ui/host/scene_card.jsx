import React from "react";
import { Card, Form } from "react-bootstrap";
import { Link } from "react-router-dom";
import { patchableComponent } from "./patch";

const Overlays = patchableComponent("SceneCard.Overlays", ({ scene }) =>
  scene.studio ? (
    <div className="studio-overlay">
      <Link to={`/studios/${scene.studio.id}`}>{scene.studio.name}</Link>
    </div>
  ) : null,
);
const Details = patchableComponent("SceneCard.Details", ({ scene }) => (
  <div className="scene-card__details">
    <span className="scene-card__date">{scene.date}</span>
  </div>
));
const Popovers = patchableComponent("SceneCard.Popovers", () => null);
const Image = patchableComponent("SceneCard.Image", ({ scene }) => (
  <img className="scene-card-preview-image" src={scene.paths.screenshot} alt="" loading="lazy" />
));

export const SceneCard = patchableComponent("SceneCard", (props) => {
  const { scene, selected, onSelectedChanged } = props;
  return (
    <Card className="scene-card grid-card">
      {onSelectedChanged && (
        <Form.Control
          type="checkbox"
          className="card-check mousetrap"
          aria-label={`Select ${scene.id}`}
          checked={Boolean(selected)}
          onChange={() => onSelectedChanged(!selected, false)}
        />
      )}
      <div className="thumbnail-section video-section">
        <Link to={`/scenes/${scene.id}`} className="scene-card-link">
          <Image {...props} />
        </Link>
        <Overlays {...props} />
      </div>
      <div className="card-section">
        <Link to={`/scenes/${scene.id}`}>
          <h5 className="card-section-title">
            {scene.title || scene.files[0]?.basename || scene.id}
          </h5>
        </Link>
        <Details {...props} />
      </div>
      <Popovers {...props} />
    </Card>
  );
});
