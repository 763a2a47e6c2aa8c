import React from "react";
import { Toast } from "react-bootstrap";

const Add = React.createContext(() => {});
let last = 0;

export function ToastProvider({ children }) {
  const [toasts, setToasts] = React.useState([]);
  const remove = (id) => setToasts((shown) => shown.filter((toast) => toast.id !== id));
  const add = React.useCallback((toast) => {
    last += 1;
    const id = last;
    setToasts((shown) => [...shown, { ...toast, id }]);
  }, []);
  return (
    <Add.Provider value={add}>
      {children}
      <div className="toast-container" aria-live="polite">
        {toasts.map(({ id, content, delay, variant }) => (
          <Toast
            key={id}
            autohide
            delay={delay || 3000}
            onClose={() => remove(id)}
            className={variant || "success"}
          >
            <Toast.Header>
              <span className="mr-auto">{content}</span>
            </Toast.Header>
          </Toast>
        ))}
      </div>
    </Add.Provider>
  );
}

export function useToast() {
  const add = React.useContext(Add);
  return React.useMemo(
    () => ({
      toast: add,
      success: (content) => add({ content, variant: "success" }),
      error: (problem) => {
        const content = problem instanceof Error ? problem.message : String(problem);
        console.error(content);
        add({ content, delay: 5000, variant: "danger" });
      },
    }),
    [add],
  );
}
