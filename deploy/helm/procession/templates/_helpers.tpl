{{- define "procession.name" -}}
{{- if contains "procession" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-procession{{ end }}
{{- end }}

{{/* What tells the pods of this release from all others. */}}
{{- define "procession.selector" -}}
app.kubernetes.io/name: procession
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "procession.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "procession.selector" . }}
{{- end }}

{{/* A pod of one component. Takes: root, component, role, of (the component's values), data (the data folder's volume, if it is
not a claim). */}}
{{- define "procession.pod" -}}
metadata:
  labels:
    {{- include "procession.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
  annotations:
    checksum/config: {{ include "procession.config" .root | sha256sum }}
spec:
  serviceAccountName: {{ include "procession.name" .root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  # Longer than requests and photos have to end.
  terminationGracePeriodSeconds: {{ add .root.Values.drainSeconds 15 }}
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets: {{ toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: { type: RuntimeDefault }
  topologySpreadConstraints:
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "procession.selector" $.root | nindent 10 }}
          app.kubernetes.io/component: {{ $.component }}
    {{- end }}
  {{- with .of.nodeSelector }}
  nodeSelector: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .of.tolerations }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .role }}
      image: {{ .of.image | default (printf "%s:%s" .root.Values.image.repository (.root.Values.image.tag | default .root.Chart.AppVersion)) | quote }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      # Quiet, because it would print the first key's address into the log.
      args: ["--quiet", "serve", "--roles", {{ .role | quote }}]
      env:
        - { name: PROCESSION_CONFIG, value: /etc/procession/config.toml }
        - { name: PROCESSION__LEDGER_FILE, value: /run/secrets/procession/ledger }
        - { name: PROCESSION__SERVICE__LISTEN, value: "0.0.0.0:8080" }
        {{- if and (eq .role "controller") (include "procession.scales" .root) }}
        - { name: PROCESSION__SERVICE__SCALER_LISTEN, value: "0.0.0.0:9090" }
        {{- end }}
        - { name: PROCESSION__SERVICE__PUBLIC_URL, value: {{ .root.Values.publicUrl | quote }} }
        - { name: PROCESSION__SERVICE__DRAIN_SECONDS, value: {{ .root.Values.drainSeconds | quote }} }
        {{- with .of.memory }}
        - { name: PROCESSION__MEMORY, value: {{ . | quote }} }
        {{- end }}
        {{- with .of.stages }}
        - { name: PROCESSION__WORKER__STAGES, value: {{ join "," . | quote }} }
        {{- end }}
        {{- with .of.threads }}
        - { name: PROCESSION__THREADS, value: {{ . | quote }} }
        {{- end }}
      ports:
        - { name: http, containerPort: 8080 }
        {{- if and (eq .role "controller") (include "procession.scales" .root) }}
        - { name: scaler, containerPort: 9090 }
        {{- end }}
      # Models are read and the ledger is brought up to date before the first answer.
      startupProbe:
        httpGet: { path: /livez, port: http }
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: { path: /livez, port: http }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        httpGet: { path: /readyz, port: http }
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 2
      resources: {{ toYaml .of.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      volumeMounts:
        - { name: data, mountPath: /var/lib/procession }
        - { name: secrets, mountPath: /var/lib/procession/signing.key, subPath: signing.key, readOnly: true }
        - { name: secrets, mountPath: /run/secrets/procession, readOnly: true }
        - { name: config, mountPath: /etc/procession, readOnly: true }
        - { name: scratch, mountPath: /tmp }
  volumes:
    {{- with .data }}
    - {{ toYaml . | nindent 6 | trim }}
    {{- end }}
    - name: secrets
      secret: { secretName: {{ .root.Values.existingSecret }}, defaultMode: 0440 }
    - name: config
      configMap: { name: {{ include "procession.name" .root }} }
    - name: scratch
      emptyDir: { sizeLimit: 1Gi }
{{- end }}

{{/* Not empty if KEDA runs some of the workers. */}}
{{- define "procession.scales" -}}
{{- range .Values.workers }}{{ if .scale }}yes{{ end }}{{ end }}
{{- end }}

{{/* The configuration file. */}}
{{- define "procession.config" -}}
region = {{ .Values.region | quote }}
replicas_awaited = {{ .Values.replicasAwaited }}
stores = [
{{- range .Values.stores }}
    { region = {{ .region | quote }}, endpoint = {{ .endpoint | quote }}, bucket = {{ .bucket | quote }}, access_key_file = "/run/secrets/procession/{{ .accessKey }}", secret_key_file = "/run/secrets/procession/{{ .secretKey }}"{{ with .storageClass }}, storage_class = {{ . | quote }}{{ end }} },
{{- end }}
]

{{ .Values.config }}
{{- end }}
