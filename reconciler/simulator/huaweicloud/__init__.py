"""The simulated Huawei Cloud: MPC, VOD and the part of IAM that they need."""
