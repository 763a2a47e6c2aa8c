import React from "react";
import { Card } from "react-bootstrap";
import { Link } from "react-router-dom";
import { patchableComponent } from "./patch";

export const SceneCard = patchableComponent("SceneCard", ({ scene }) => (
  <Card className="scene-card">
    <Link to={`/scenes/${scene.id}`}>
      <img className="scene-card-image" src={scene.paths.screenshot} alt="" />
      <h5 className="card-section-title">{scene.title || scene.files[0]?.basename || scene.id}</h5>
    </Link>
  </Card>
));
