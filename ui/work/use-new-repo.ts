import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { isSsh } from "../../src/wire/address-kinds.ts";
import type { HostKey } from "../../src/wire/remote.ts";
import type { RepoView } from "../../src/wire/work.ts";
import { toast } from "../kit/toast.tsx";
import { ApiError, call } from "../lib/api.ts";
import { useDraft } from "../lib/draft.ts";
import { knowRepo } from "../lib/store.ts";
import { NO_CREDENTIAL, type Credential } from "./credential.tsx";

/** What is asked before a host is logged in to over ssh. */
export interface Asked {
  hostKey: HostKey;
  /** The public half of the hive's own key, if it logs in with that. */
  publicKey: string | undefined;
}

/** What the form of a new repository has. */
export interface Fields {
  name: string;
  base: string;
  /** Empty: it follows nothing. */
  address: string;
  isPrivate: boolean;
  /** For ssh: the hive makes a key. */
  isOwnKey: boolean;
  credential: Credential;
}

interface NewRepo {
  fields: Fields;
  set: (change: Partial<Fields>) => void;
  /** Set once the host has been asked, for the fields as they are. */
  asked: Asked | undefined;
  error: string | undefined;
  isBusy: boolean;
  submit: () => Promise<void>;
}

/** The state of the form of a new repository, and what its button does: one step for https, two for ssh. */
export function useNewRepo(): NewRepo {
  const [name, setName] = useDraft("repo:name");
  const [base, setBase] = useDraft("repo:base", "main");
  const [address, setAddress] = useDraft("repo:address");
  const [rest, setRest] = useState({ isPrivate: false, isOwnKey: true, credential: NO_CREDENTIAL });
  const [asked, setAsked] = useState<Asked>();
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const navigate = useNavigate();
  const fields = { name, base, address, ...rest };

  const set = ({ name: newName, base: newBase, address: newAddress, ...others }: Partial<Fields>): void => {
    if (newName !== undefined) setName(newName);
    if (newBase !== undefined) setBase(newBase);
    if (newAddress !== undefined) setAddress(newAddress);
    setRest((old) => ({ ...old, ...others }));
    // What was shown belongs to the fields as they were.
    setAsked(undefined);
  };

  const submit = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      if (address.trim() !== "" && isSsh(address.trim()) && asked === undefined) {
        setAsked(await ask(fields));
        setBusy(false);
        return;
      }
      const repo = await make(fields, asked);
      knowRepo(repo);
      setName("");
      setBase("main");
      setAddress("");
      toast(`repository ${repo.name} is ${address.trim() === "" ? "created" : "added"}`);
      await navigate({ to: "/work/$repo", params: { repo: repo.name } });
    } catch (problem) {
      setError(problem instanceof ApiError ? problem.message : "The repository was not added. Try again.");
      setBusy(false);
    }
  };
  return { fields, set, asked, error, isBusy, submit };
}

/** Asks the host for its key, and the hive for its own. */
async function ask({ name, address, isPrivate, isOwnKey }: Fields): Promise<Asked> {
  const { key } = await call("repo_host_key", { address: address.trim(), private: isPrivate });
  if (!isOwnKey) return { hostKey: key, publicKey: undefined };
  const { public_key: publicKey } = await call("repo_new_key", { name: name.trim(), address: address.trim() });
  return { hostKey: key, publicKey };
}

async function make({ name, base, address, isPrivate, isOwnKey, credential }: Fields, asked?: Asked): Promise<RepoView> {
  const place = { name: name.trim(), address: address.trim(), private: isPrivate };
  if (place.address === "") return (await call("repo_create", { name: place.name, base: base.trim() })).repo;
  const token = credential.token === "" ? undefined : credential.token;
  const key = isOwnKey ? { own_key: true } : { key: credential.key };
  const logIn = asked === undefined ? { token } : { host_key: asked.hostKey, ...key };
  const { repo } = await call("repo_add_remote", { ...place, ...logIn });
  if (repo === undefined) throw new ApiError("internal", "the hive did not say whether it is added: see the list");
  return repo;
}
