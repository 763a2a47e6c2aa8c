import React from "react";
import { Button, Nav, Tab } from "react-bootstrap";
import { FormattedMessage } from "react-intl";
import { useParams } from "react-router-dom";
import { patchableComponent, patchableContainer } from "./patch";
import { StashService } from "./stash";

const Tabs = patchableContainer("ScenePage.Tabs");
const TabContent = patchableContainer("ScenePage.TabContent");

const SceneFileInfoPanel = patchableComponent("SceneFileInfoPanel", ({ scene }) => (
  <dl className="container scene-file-info details-list">
    {scene.files.map((file) => (
      <React.Fragment key={file.id}>
        <dt>Path</dt>
        <dd>{file.path}</dd>
        <dt>File size</dt>
        <dd>{file.size}</dd>
      </React.Fragment>
    ))}
  </dl>
));

function Details({ scene }) {
  return (
    <>
      <h6>Details</h6>
      <p className="pre">{scene.details}</p>
      <h6>Tags</h6>
      {scene.tags.map((tag) => (
        <span key={tag.id} className="tag-item badge badge-secondary">
          {tag.name}
        </span>
      ))}
    </>
  );
}

const ScenePage = patchableComponent("ScenePage", (props) => {
  const { scene } = props;
  const [active, setActive] = React.useState("scene-details-panel");
  const tab = (key, text) => (
    <Nav.Item>
      <Nav.Link eventKey={key}>{text}</Nav.Link>
    </Nav.Item>
  );
  return (
    <div className="row">
      <div className="scene-tabs order-xl-first order-last">
        <div className="scene-header-container">
          <h3 className="scene-header">{scene.title || scene.files[0]?.basename}</h3>
          <h6 className="scene-subheader">
            {[scene.studio?.name, scene.date].filter(Boolean).join(" · ")}
          </h6>
        </div>
        <Tab.Container activeKey={active} onSelect={(key) => key && setActive(key)}>
          <Nav variant="tabs" className="mr-auto">
            <Tabs {...props}>
              {tab("scene-details-panel", <FormattedMessage id="details" />)}
              {tab("scene-file-info-panel", <FormattedMessage id="file_info" />)}
              {tab("scene-edit-panel", <FormattedMessage id="actions.edit" />)}
            </Tabs>
          </Nav>
          <Tab.Content>
            <TabContent {...props}>
              <Tab.Pane eventKey="scene-details-panel">
                <Details scene={scene} />
              </Tab.Pane>
              <Tab.Pane className="file-info-panel" eventKey="scene-file-info-panel">
                <SceneFileInfoPanel scene={scene} />
              </Tab.Pane>
              <Tab.Pane eventKey="scene-edit-panel" mountOnEnter>
                <Button variant="primary" disabled>
                  Save
                </Button>
              </Tab.Pane>
            </TabContent>
          </Tab.Content>
        </Tab.Container>
      </div>
      <div className="scene-player-container">
        <img src={scene.paths.screenshot} alt="" />
      </div>
    </div>
  );
});

export function SceneLoader() {
  const { id } = useParams();
  const { data, loading, error } = StashService.useFindScene(id);
  if (loading) return null;
  if (error) return <p>{error.message}</p>;
  if (!data || !data.findScene) return <p>No scene found with id {id}.</p>;
  const nothing = () => {};
  return (
    <ScenePage
      scene={data.findScene}
      queueScenes={[]}
      setTimestamp={nothing}
      onDelete={nothing}
      collapsed={false}
      setCollapsed={nothing}
    />
  );
}
