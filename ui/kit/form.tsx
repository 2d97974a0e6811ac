import type { FormEvent, ReactNode } from "react";
import type { Act } from "./button.tsx";

interface FormProps {
  action: Act;
  /** The words of the button that sends the form. */
  submit: ReactNode;
  /** False while something is missing: the button cannot be pressed. */
  isWhole: boolean;
  /** Other buttons and words, beside the first button. */
  beside?: ReactNode;
  label?: string;
  children: ReactNode;
}

/** The frame of a form: Enter in a field sends it as its button does, which shows that it runs. The browser fills in nothing. */
export function Form({ action: { isBusy, act }, submit, isWhole, beside, label, children }: FormProps): ReactNode {
  return (
    <form
      className="form"
      autoComplete="off"
      aria-label={label}
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        act();
      }}
    >
      {children}
      <div className="foot">
        {/* With two fields, Enter needs a button that submits. */}
        <button type="submit" className="go" disabled={!isWhole || isBusy} aria-busy={isBusy}>
          {isBusy && <span className="spinner" aria-hidden="true" />}
          {submit}
        </button>
        {beside}
      </div>
    </form>
  );
}

interface NameFieldProps {
  label: string;
  value: string;
  set: (value: string) => void;
  /** An example. */
  placeholder: string;
  maxLength: number;
}

/** The field for a name: the browser neither completes nor corrects it. */
export function NameField({ label, value, set, placeholder, maxLength }: NameFieldProps): ReactNode {
  return (
    <label className="field">
      {label}
      <input
        value={value}
        onChange={(event) => set(event.target.value)}
        placeholder={placeholder}
        maxLength={maxLength}
        autoComplete="off"
        spellCheck={false}
      />
    </label>
  );
}

interface SecretFieldProps {
  label: ReactNode;
  value: string;
  set: (value: string) => void;
}

/** The field for what is typed or pasted once and never shown. Keep its value in the form alone: in no draft. */
export function SecretField({ label, value, set }: SecretFieldProps): ReactNode {
  return (
    <label className="field">
      {label}
      <input type="password" value={value} onChange={(event) => set(event.target.value)} autoComplete="new-password" />
    </label>
  );
}
